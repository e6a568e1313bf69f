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
		name         string
		method, path string
		status       int
		message      string
	}{
		{"a route", "GET", "/flowtrux/status", 503, reached},
		{"a name with a slash", "GET", "/flowtrux/globals/a%2Fb", 503, reached},
		{"no such path", "GET", "/flowtrux/nothing", 404, "there is no /flowtrux/nothing; below"},
		{"the base", "GET", "/flowtrux/", 404, "there is no /flowtrux/; below"},
		{"the base without its slash", "GET", "/flowtrux", 404, "there is no /flowtrux"},
		{"outside", "GET", "/config/", 404, "there is no /config/"},
		{"two slashes", "GET", "/flowtrux//status", 404, "there is no /flowtrux//status"},
		{"dots", "GET", "/flowtrux/../status", 404, "there is no /flowtrux/../status"},
		{"another method", "DELETE", "/flowtrux/status", 405, "there is no DELETE"},
		{"an unknown parameter", "GET", "/flowtrux/status?a=b", 400, "unknown parameter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, http.NoBody)
			w := httptest.NewRecorder()
			apiHandler().ServeHTTP(w, r)
			var body adminapi.Error
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatalf("the body is %q: %v", w.Body, err)
			}
			if w.Code != c.status || !strings.HasPrefix(body.Message, c.message) {
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
