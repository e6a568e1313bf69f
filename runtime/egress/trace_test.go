package egress

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// recorded is a hostapi.HTTPTrace that records its calls.
type recorded []string

func (r *recorded) Begin(method string, u *url.URL, h http.Header) {
	*r = append(*r, fmt.Sprintf("begin %s %s", method, u.Path))
	h.Set("Traceparent", "of the trace")
}

func (r *recorded) End(status int, err error) {
	*r = append(*r, fmt.Sprintf("end %d %t", status, err == nil))
}

// TestTracesOfRequests: a request is traced once, with all of its redirects. Its headers of the
// trace replace those of the node, and go no further than its origin.
func TestTracesOfRequests(t *testing.T) {
	a, b := serve(t, echo), serve(t, echo)
	c := newClient(t, Rules{})
	for name, tt := range map[string]struct {
		url   string
		calls string
		sent  string // in the last request
	}{
		"no redirect":                {a.URL + "/end", "begin GET /end, end 200 true", "of the trace"},
		"an error status":            {a.URL + "/503", "begin GET /503, end 503 true", ""},
		"two redirects":              {a.URL + "/302?to=/301%3Fto=/end", "begin GET /302, end 200 true", "of the trace"},
		"another origin":             {a.URL + "/302?to=" + b.URL + "/end", "begin GET /302, end 200 true", ""},
		"there and back":             {a.URL + "/302?to=" + b.URL + "/302%3Fto=" + a.URL + "/end", "begin GET /302, end 200 true", ""},
		"too many redirects":         {a.URL + "/302?to=" + strings.Repeat("/302?to=", maxRedirects+1) + "/end", "begin GET /302, end 0 false", ""},
		"an address that is refused": {"http://10.0.0.1/", "begin GET /, end 0 false", ""},
		"not sent":                   {"ftp://a.example.com/", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var calls recorded
			r, f := do(t, c, hostapi.HTTPOptions{Trace: &calls}, map[string]any{
				"url": tt.url, "headers": map[string]any{"Traceparent": "of the node"},
			})
			if got := strings.Join(calls, ", "); got != tt.calls {
				t.Errorf("%q, want %q; it failed with %v", got, tt.calls, f)
			}
			if f == nil && r.Status == http.StatusOK {
				if got := sawOf(t, r).Header.Get("Traceparent"); got != tt.sent {
					t.Errorf("traceparent %q was sent, want %q", got, tt.sent)
				}
			}
		})
	}
}
