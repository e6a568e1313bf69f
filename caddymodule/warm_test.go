package caddymodule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowtrux/edge/caddymodule/command"
)

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
		_, cancel, err := configuredApp(t.Context(), []byte(config))
		if got := err == nil; got != uses {
			t.Errorf("%s is used: %v, want %v (%v)", config, got, uses, err)
		}
		if cancel != nil {
			cancel()
		}
	}
}

// TestWarmHasToKeepCode checks that warm fails where a server would only be slower.
func TestWarmHasToKeepCode(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	if err := os.MkdirAll(filepath.Dir(wasmDir()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(wasmDir(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := warm(t.Context(), []byte(`{"apps":{"flowtrux":{}}}`), func(w command.Warmed) { t.Errorf("%+v", w) })
	if err == nil || !strings.HasPrefix(err.Error(), "opening the directory for compiled code: ") ||
		!strings.HasSuffix(err.Error(), "; the directory has to be writable for the user that runs the server, who is best to run this") {
		t.Error(err)
	}
}
