package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/egress"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// TestSecretsInForms checks that a server gets the secret in form encoding, and that the secret is
// masked in its response.
func TestSecretsInForms(t *testing.T) {
	const secret = `p&ss w=rd+%"ü`
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {}))
	defer s.Close()
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
		_, _ = fmt.Fprintf(w, "%s|%s|%s", body, secret, strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"))
	})
	client, err := egress.New(egress.Rules{Allow: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	l := &Lab{T: t, Nodes: codeNodes(t)}
	quoted, _ := json.Marshal(secret)
	l.Engine = engine.New(engine.Config{HTTP: client, Globals: Workspace{"__secret_key": string(quoted)}})
	r := recorded(l, Document("t>a", NodeOf("http-request", "a", `"method":"POST","url":"`+s.URL+`",
		"headers":{"Content-Type":"application/x-www-form-urlencoded"},
		"body":{"client_secret":"{{global.__secret_key}}","scope":["x {{global.__secret_key}}","y"],"grant_type":"client_credentials"}`, nil)), `{}`)
	if r.Status != string(engine.Succeeded) {
		t.Fatalf("%+v", r.Nodes[0])
	}
	encoded := url.QueryEscape(secret)
	if want := "client_secret=" + encoded + "&scope=x+" + encoded + "&scope=y&grant_type=client_credentials"; got != want {
		t.Errorf("the server got\n%s, want\n%s", got, want)
	}
	record, _ := json.Marshal(r)
	for _, leak := range []string{"p&ss", `p\u0026ss`, "p%26ss"} {
		if strings.Contains(string(record), leak) {
			t.Errorf("%s is in the record: %s", leak, record)
		}
	}
	if !strings.Contains(string(record), "client_secret=***") {
		t.Errorf("what the server sent back is not shown: %s", record)
	}
}

// TestRetryAfterOfNodes checks that any node waits as long as the server asks before the next
// attempt, and that the wait ends with the execution.
func TestRetryAfterOfNodes(t *testing.T) {
	const (
		busy  = `{"status":429,"headers":{"retry-after":"3600"},"body":""}`
		fine  = `{"status":200,"headers":{},"body":"ok"}`
		ask   = `"url":"http://example.com"`
		fetch = `"source":"const r = await fetch('http://example.com');\nif (!r.ok) throw new Error('busy');\nreturn (await r.text())"`
		twice = `"source":"await fetch('http://example.com'); await fetch('http://example.com').catch(() => 0);\nthrow new Error('busy')"`
	)
	for _, c := range []struct {
		name, typ, config, most string
		answers                 []string
		calls                   int
		want                    string
	}{
		{"it is waited for", "http-request", ask, "1h", []string{busy, fine}, 1, "timed_out a!cancelled"},
		{"up to maxBackoff", "http-request", ask, "1ms", []string{busy, busy, fine}, 3, "succeeded a=" + fine},
		{"another node's", "code-http", fetch, "1h", []string{busy, fine}, 1, "timed_out a!cancelled"},
		{"another node's, up to maxBackoff", "code-http", fetch, "1ms", []string{busy, fine}, 2, `succeeded a="ok"`},
		{"of the last request", "code-http", twice, "1h", []string{busy, fine}, 6, `failed a!code_error`},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := 0
			l := &Lab{T: t, Nodes: codeNodes(t)}
			limit := time.Minute
			if c.calls == 1 {
				limit = time.Second
			}
			l.Engine = engine.New(engine.Config{
				Limits: engine.Limits{ExecutionTimeout: limit},
				HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
					calls++
					return c.answers[(calls-1)%len(c.answers)], nil
				}),
			})
			l.WantRun(Document("t>a", NodeOf(c.typ, "a", c.config,
				[]string{`"retry":{"maxAttempts":3,"backoff":"1ms","maxBackoff":"` + c.most + `"}`})), "", c.want)
			if calls != c.calls {
				t.Errorf("%d requests, want %d", calls, c.calls)
			}
		})
	}
}
