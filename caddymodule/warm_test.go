package caddymodule

import "testing"

// A config without settings of the app is still one that uses it, however its JSON is written.
func TestWarmFindsHandler(t *testing.T) {
	for config, uses := range map[string]bool{
		`{"apps":{"http":{"servers":{"s":{"routes":[{"handle":[{"handler":"flowtrux"}]}]}}}}}`: true,
		`{
  "apps": {"http": {"servers": {"s": {"routes": [{"handle": [{"handler": "subroute", "routes": [
    {"handle": [{"handler": "flowtrux"}]}
  ]}]}]}}}}
}`: true,
		`{"apps":{"flowtrux":{}}}`: true,
		`{"apps":{"http":{"servers":{"s":{"routes":[{"handle":[{"handler":"static_response","body":"\"handler\":\"flowtrux\""}]}]}}}}}`: false,
		`{}`: false,
	} {
		_, cancel, err := warmApp(t.Context(), []byte(config))
		if got := err == nil; got != uses {
			t.Errorf("%s is used: %v, want %v (%v)", config, got, uses, err)
		}
		if cancel != nil {
			cancel()
		}
	}
}
