package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/flowtrux/edge/runtime/catalog"
)

// TestSecretsInRequests checks that secret globals reach the places where http-request puts them,
// unchanged, and no other origin.
func TestSecretsInRequests(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		if to := r.Header.Get("X-To"); to != "" {
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %q %q %s", r.Method, r.URL, r.Header["Authorization"], r.Header.Get("User-Agent"), body)
	}
	first, other := httptest.NewServer(http.HandlerFunc(echo)), httptest.NewServer(http.HandlerFunc(echo))
	defer first.Close()
	defer other.Close()
	s := newSite(t, fmt.Sprintf(`{"egress":{"allow":[%q,%q]}}`, first.Listener.Addr(), other.Listener.Addr()), `{}`)
	s.put(catalog.GlobalPrefix+"__secret_url", first.URL, catalog.GlobalPrefix+"__secret_key", "k&y", catalog.GlobalPrefix+"__secret_body", `{"pin":1.50,"text":"\"a\"\n"}`,
		catalog.GlobalPrefix+"other", other.URL)
	const config = `"method":"POST","url":"{{global.__secret_url}}/{{global.__secret_key}}?a=b","query":{"k":"{{global.__secret_key}}"},
		"headers":{"Authorization":"Bearer {{global.__secret_key}}","User-Agent":"{{global.__secret_key}}"%s},"body":"%s"`
	for name, c := range map[string]struct{ headers, body, want string }{
		"a value":        {``, `{{global.__secret_body}}`, `POST /k&y?a=b&k=k%26y ["Bearer k&y"] "k&y" {"pin":1.50,"text":"\"a\"\n"}`},
		"a text":         {``, `all: {{global.__secret_body}}, {{global.__secret_body.text}}`, "POST /k&y?a=b&k=k%26y [\"Bearer k&y\"] \"k&y\" all: {\"pin\":1.50,\"text\":\"\\\"a\\\"\\n\"}, \"a\"\n"},
		"another origin": {`,"X-To":"{{global.other}}"`, `x`, `GET / [] "flowtrux-edge" `},
	} {
		s.putWorkflow("ask", `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode","headers":{"Content-Type":"text/plain"}}}},
			{"id":"ask","type":"http-request","config":{`+fmt.Sprintf(config, c.headers, c.body)+`}},
			{"id":"out","type":"transform","config":{"output":"{{steps.ask.output.body}}"}}],
			"edges":[{"source":"t","target":"ask"},{"source":"ask","target":"out"}]}`)
		if r := s.do(to("ask", `{}`)); r.status != http.StatusOK || r.body != c.want {
			t.Errorf("%s: %d\n got %s\nwant %s", name, r.status, r.body, c.want)
		}
	}
}
