package headercheck

import (
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestIsExpectedBy(t *testing.T) {
	s := &caddyhttp.Server{
		ExpectedUnderscoreHeaders: []string{"x_acme_signature", "event_*", "x_a.b"},
		ExpectedDotHeaders:        []string{"X.Acme.Time", "hook.*"},
	}
	for name, want := range map[string]bool{
		"X_Acme_Signature": true, "x_acme_signature": true, "X_ACME_SIGNATURES": false, "X_acme": false,
		"event_id": true, "event_": true, "eventid_x": false, "event_a.b": false, "x_a.b": true,
		"x.acme.time": true, "hook.id": true, "hook.a_b": false, "hook_id": false, "x.acme": false,
	} {
		if got := isExpectedBy(s, http.CanonicalHeaderKey(name)); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
