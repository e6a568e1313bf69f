package caddymodule

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// TestAPIHandler checks what a console refuses without an app, and that a request which passes
// reaches its route.
func TestAPIHandler(t *testing.T) {
	reached := "the server is still starting"
	for _, c := range []struct {
		name          string
		options       apiOptions
		method, path  string
		header, value string
		status        int
		message, code string
	}{
		{"a route", apiOptions{}, "GET", "/flowtrux/status", "", "", 503, reached, ""},
		{"a name with a slash", apiOptions{}, "GET", "/flowtrux/globals/a%2Fb", "", "", 503, reached, ""},
		{"no such path", apiOptions{}, "GET", "/flowtrux/nothing", "", "", 404, "there is no /flowtrux/nothing; below", ""},
		{"the base", apiOptions{}, "GET", "/flowtrux/", "", "", 404, "there is no /flowtrux/; below", ""},
		{"the base without its slash", apiOptions{}, "GET", "/flowtrux", "", "", 404, "there is no /flowtrux", ""},
		{"outside", apiOptions{}, "GET", "/config/", "", "", 404, "there is no /config/", ""},
		{"two slashes", apiOptions{}, "GET", "/flowtrux//status", "", "", 404, "there is no /flowtrux//status", ""},
		{"dots", apiOptions{}, "GET", "/flowtrux/../status", "", "", 404, "there is no /flowtrux/../status", ""},
		{"another method", apiOptions{}, "DELETE", "/flowtrux/status", "", "", 405, "there is no DELETE", ""},
		{"an unknown parameter", apiOptions{}, "GET", "/flowtrux/status?a=b", "", "", 400, "unknown parameter", ""},

		{"read-only: GET", apiOptions{readOnly: true}, "GET", "/flowtrux/workflows", "", "", 503, reached, ""},
		{"read-only: HEAD", apiOptions{readOnly: true}, "HEAD", "/flowtrux/workflows", "", "", 503, "", ""},
		{"read-only: validate", apiOptions{readOnly: true}, "POST", "/flowtrux/validate", "", "", 503, reached, ""},
		{"read-only: PUT", apiOptions{readOnly: true}, "PUT", "/flowtrux/workflows/a", "", "", 403, "this console is read-only", "read_only"},
		{"read-only: DELETE", apiOptions{readOnly: true}, "DELETE", "/flowtrux/globals/a", "", "", 403, "this console is read-only", "read_only"},
		{"read-only: POST", apiOptions{readOnly: true}, "POST", "/flowtrux/executions/a/replay", "", "", 403, "this console is read-only", "read_only"},

		{"PUT without a condition", apiOptions{requireMatch: true}, "PUT", "/flowtrux/secrets/a", "", "", 428, "precondition required", ""},
		{"DELETE without a condition", apiOptions{requireMatch: true}, "DELETE", "/flowtrux/workflows/a", "", "", 428, "precondition required", ""},
		{"If-Match", apiOptions{requireMatch: true}, "PUT", "/flowtrux/workflows/a", "If-Match", `"7"`, 503, reached, ""},
		{"If-None-Match", apiOptions{requireMatch: true}, "PUT", "/flowtrux/workflows/a", "If-None-Match", "*", 503, reached, ""},
		{"nothing to match", apiOptions{requireMatch: true}, "POST", "/flowtrux/validate", "", "", 503, reached, ""},
		{"not required", apiOptions{}, "PUT", "/flowtrux/workflows/a", "", "", 503, reached, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, nil)
			if c.header != "" {
				r.Header.Set(c.header, c.value)
			}
			w := httptest.NewRecorder()
			apiHandler(c.options).ServeHTTP(w, r)
			var body adminapi.Error
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatalf("the body is %q: %v", w.Body, err)
			}
			if w.Code != c.status || !strings.HasPrefix(body.Message, c.message) || body.Code != c.code {
				t.Errorf("%d %s, want %d", w.Code, w.Body, c.status)
			}
			if ct := w.Header().Get("Content-Type"); ct != "application/json" {
				t.Errorf("the Content-Type is %q", ct)
			}
			if allow := w.Header().Get("Allow"); (allow != "") != (w.Code == http.StatusMethodNotAllowed) {
				t.Errorf("status %d with Allow %q", w.Code, allow)
			}
		})
	}
}
