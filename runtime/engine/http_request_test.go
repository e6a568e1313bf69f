package engine

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
	"testing/synctest"
	"time"

	"github.com/flowtrux/edge/runtime/egress"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// TestSecretsInForms: a server gets the secret, encoded as forms are, and what it sends back of it
// is masked.
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
	l := &lab{T: t, nodes: codeNodes(t)}
	quoted, _ := json.Marshal(secret)
	l.engine = New(Config{HTTP: client, Globals: workspace{"__secret_key": string(quoted)}})
	r := l.recorded(document("t>a", node("http-request", "a", `"method":"POST","url":"`+s.URL+`",
		"headers":{"Content-Type":"application/x-www-form-urlencoded"},
		"body":{"client_secret":"{{global.__secret_key}}","scope":["x {{global.__secret_key}}","y"],"grant_type":"client_credentials"}`, nil)), `{}`)
	if r.Status != string(Succeeded) {
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

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 6, 8, 49, 37, 0, time.UTC)
	answer := func(status int, header string) []byte {
		h, _ := json.Marshal(map[string]string{"content-type": "text/plain", "retry-after": header})
		return fmt.Appendf(nil, `{"status":%d,"headers":%s,"body":""}`, status, h)
	}
	for _, c := range []struct {
		answer []byte
		want   time.Duration
	}{
		{answer(429, "2"), 2 * time.Second},
		{answer(503, "120"), 2 * time.Minute},
		{answer(408, "1"), time.Second},
		{answer(425, "1"), time.Second},
		{answer(500, "007"), 7 * time.Second},
		{answer(599, "1"), time.Second},
		{answer(429, "0"), 0},
		{answer(503, "Fri, 06 Nov 2026 08:49:40 GMT"), 3 * time.Second},
		{answer(503, "Friday, 06-Nov-26 08:49:40 GMT"), 3 * time.Second},
		{answer(503, "Fri Nov  6 08:49:40 2026"), 3 * time.Second},
		{answer(503, "Fri, 06 Nov 2026 08:49:30 GMT"), 0},
		{answer(503, "Fri, 31 Dec 9999 23:59:59 GMT"), 1<<63 - 1},
		{answer(429, "99999999999999999999999999"), (1<<32 - 1) * time.Second},
		{answer(429, "-5"), 0},
		{answer(429, "+5"), 0},
		{answer(429, "1.5"), 0},
		{answer(429, "1e3"), 0},
		{answer(429, "5 s"), 0},
		{answer(429, "soon"), 0},
		{answer(429, ""), 0},
		{answer(200, "2"), 0},
		{answer(301, "2"), 0},
		{answer(404, "2"), 0},
		{[]byte(`{"status":429,"headers":{}}`), 0},
		{[]byte(`{"status":429,"headers":{"retry-after":["2"]}}`), 0},
		{[]byte(`{"status":429}`), 0},
		{[]byte(`{}`), 0},
		{[]byte(`"ok"`), 0},
		{nil, 0},
	} {
		if got := retryAfter(c.answer, now); got != c.want {
			t.Errorf("%s: %v, want %v", c.answer, got, c.want)
		}
	}
}

func TestPauseIsTheLongerOfTwo(t *testing.T) {
	const second = time.Second
	for _, c := range []struct{ backoff, most, asked, atLeast, atMost time.Duration }{
		{100 * time.Millisecond, 30 * second, 2 * second, 2 * second, 2 * second},
		{10 * second, 30 * second, 2 * second, 5 * second, 10 * second},
		{second, 3 * second, time.Hour, 3 * second, 3 * second},
		{second, 3 * second, 0, second / 2, second},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			pause(t.Context(), flow.Retry{Backoff: c.backoff, MaxBackoff: c.most}, 1, c.asked)
			if waited := time.Since(began); waited < c.atLeast || waited > c.atMost {
				t.Errorf("%+v: waited %v", c, waited)
			}
		})
	}
}

// TestRetryAfterOfNodes shows that what a server asks for is the wait before the next attempt of
// any node, and that the wait ends with the execution.
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
			l := &lab{T: t, nodes: codeNodes(t)}
			limit := time.Minute
			if c.calls == 1 {
				limit = time.Second
			}
			l.engine = New(Config{
				Limits: Limits{ExecutionTimeout: limit},
				HTTP: httpFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
					calls++
					return c.answers[(calls-1)%len(c.answers)], nil
				}),
			})
			l.wantRun(document("t>a", node(c.typ, "a", c.config,
				[]string{`"retry":{"maxAttempts":3,"backoff":"1ms","maxBackoff":"` + c.most + `"}`})), "", c.want)
			if calls != c.calls {
				t.Errorf("%d requests, want %d", calls, c.calls)
			}
		})
	}
}
