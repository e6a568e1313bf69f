package caddymodule

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestConsoleConfig(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	for config, want := range map[string]string{
		`{}`: "",
		`{"prefix":"/","authenticated_by":"{http.vars.user}","read_only":true}`: "",
		`{"authenticated_by":"{http.request.tls.client.subject}"}`:              "",
		`{"authenticated_by":"{http.auth.user.email}"}`:                         "",
		`{"prefix":"/console"}`:                                                         "must begin and end with a slash",
		`{"authenticated_by":"alice"}`:                                                  "it is one placeholder",
		`{"authenticated_by":"{}"}`:                                                     "it is one placeholder",
		`{"authenticated_by":"{http.auth.user.id}{http.auth.user.id}"}`:                 "it is one placeholder",
		`{"authenticated_by":"x{http.auth.user.id}"}`:                                   "it is one placeholder",
		`{"authenticated_by":"{env.USER}"}`:                                             "anybody would be let in",
		`{"authenticated_by":"{http.request.host}"}`:                                    "anybody would be let in",
		`{"authenticated_by":"{http.vars.client_ip}"}`:                                  "anybody would be let in",
		`{"authenticated_by":"{http.vars.trusted_proxy}"}`:                              "anybody would be let in",
		`{"authenticated_by":"{http.request.cookie.session}"}`:                          "anybody would be let in",
		`{"authenticated_by":"{http.request.header.cookie}"}`:                           "it would be in logs",
		`{"authenticated_by":"{http.request.header.Proxy-Authorization}","prefix":"/"}`: "it would be in logs",
	} {
		_, err := s.ctx.LoadModuleByID("http.handlers.flowtrux_console", json.RawMessage(config))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

// TestConsolePaths checks which paths are the console's, and where a browser is sent that has left
// out the last slash.
func TestConsolePaths(t *testing.T) {
	const (
		next     = "next handler"
		page     = "<!doctype html>"
		missing  = "there is no such file"
		climbs   = "no name that contains the segment .."
		nobody   = "nobody is logged in"
		rejected = "the server is still starting" // the API was reached: no config runs
	)
	s := newSite(t, `{}`, `{}`)
	for _, test := range []struct {
		prefix, original, path string // original: "" = the path
		user, want, location   string
	}{
		{"/console/", "", "/console/", "alice", page, ""},
		{"/console/", "", "/console/", "  ", nobody, ""},
		{"/console/", "", "/console/index.html", "alice", page, ""},
		{"/console/", "", "/console", "alice", "", "./console/"},
		{"/console/", "", "/console?a=b", "", "", "./console/?a=b"},
		{"/console/", "", "/console/flowtrux/status", "alice", rejected, ""},
		{"/console/", "", "/console/flowtrux/globals/a%2Fb", "alice", rejected, ""},
		{"/console/", "", "/console/flowtrux/../../x", "alice", missing, ""},
		{"/console/", "", "/console/flowtrux/globals/..%2F..%2F..%2F..%2Fx", "alice", climbs, ""},
		{"/console/", "", "/console/flowtrux/globals/%2e%2e", "alice", climbs, ""},
		{"/console/", "", "/console/flowtrux/globals/..%5C..%5C..%5C..%5Cx", "alice", climbs, ""},
		{"/console/", "", "/console/flowtrux/globals/a..b", "alice", rejected, ""},
		{"/console/", "", "/console/none", "alice", missing, ""},
		{"/console/", "", "/consoles/", "alice", next, ""},
		{"/console/", "", "/Console/", "alice", next, ""},
		{"/console/", "", "//console/", "alice", next, ""},
		{"/console/", "", "/%63onsole/", "alice", next, ""},
		{"/console/", "", "/", "alice", next, ""},
		{"/ops/edge/", "", "/ops/edge", "alice", "", "./edge/"},
		{"/", "/ops/edge/", "/", "alice", page, ""},
		{"/", "/ops/edge", "/", "alice", "", "./edge/"},
		{"/", "//example.com", "/", "alice", "", "./example.com/"},
		{"/", "/ops/a%2Fb", "/", "alice", "", "./a%2Fb/"},
		{"/", "", "/flowtrux/status", "alice", rejected, ""},
	} {
		module, err := s.ctx.LoadModuleByID("http.handlers.flowtrux_console", json.RawMessage(`{"prefix":"`+test.prefix+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		r := asCaddy(httptest.NewRequest(http.MethodGet, "http://edge.example.com"+test.path, http.NoBody))
		r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer).Set("http.auth.user.id", test.user)
		if test.original != "" {
			asked := httptest.NewRequest(http.MethodGet, "http://edge.example.com"+test.original, http.NoBody)
			r = r.WithContext(context.WithValue(r.Context(), caddyhttp.OriginalRequestCtxKey, *asked))
		}
		w := httptest.NewRecorder()
		if err := module.(*Console).ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.WriteString(w, next)
			return err
		})); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(w.Body.String(), test.want) || w.Header().Get("Location") != test.location || (w.Code == http.StatusPermanentRedirect) != (test.location != "") {
			t.Errorf("%+v: %d, to %q: %.100s", test, w.Code, w.Header().Get("Location"), w.Body)
		}
		if passed := w.Body.String() == next; (w.Header().Get("Content-Security-Policy") == "") != passed {
			t.Errorf("%+v: headers %v", test, w.Header())
		}
	}
}
