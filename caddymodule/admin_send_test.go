package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/journal"
)

// send sends the body of POST send.
func (s *site) send(body string) (adminapi.Sent, error) {
	s.t.Helper()
	return s.sendAs(httptest.NewRequest(http.MethodPost, "/flowtrux/send", strings.NewReader(body)))
}

func (s *site) sendAs(r *http.Request) (sent adminapi.Sent, err error) {
	s.t.Helper()
	w := httptest.NewRecorder()
	if err := sendWebhook(s.app, w, r); err != nil {
		return sent, err
	}
	if strings.Contains(w.Body.String(), secret) {
		s.t.Errorf("the response contains the secret: %s", w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &sent); err != nil {
		s.t.Fatal(err)
	}
	return sent, nil
}

// headerOf returns the values of a header in a list.
func headerOf(list [][2]string, name string) (values []string) {
	for _, field := range list {
		if field[0] == name {
			values = append(values, field[1])
		}
	}
	return values
}

func TestSend(t *testing.T) {
	s := newSite(t, `{}`, `{"prefix":"/hooks/"}`)
	s.putWorkflow("echo", trigger(`{"responseMode":"lastNode"}`))
	// what the trigger has is what the sender gets
	s.putWorkflow("seen", `{"nodes":[
		{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{
			"responseMode":"lastNode","signature":{"scheme":"slack"},"idempotency":{"header":"X-Key"}}}},
		{"id":"n","type":"transform","config":{"output":{"ip":"{{trigger.clientIp}}","event":"{{trigger.headers.x-github-event}}","q":"{{trigger.data._query.a}}"}}}
	],"edges":[{"source":"t","target":"n"}]}`)

	sent, err := s.send(`{"workflow":"echo","body":"{\"n\":1.50}"}`)
	if err != nil {
		t.Fatal(err)
	}
	if sent.Response.Status != 200 || sent.Response.Body != `{"n":1.50,"_query":{}}` || sent.ExecutionID == "" || sent.Replayed || sent.DurationNs <= 0 {
		t.Errorf("%+v", sent)
	}
	if sent.Request.Method != "POST" || sent.Request.Path != "/hooks/echo" || sent.Request.Body != `{"n":1.50}` {
		t.Errorf("sent %+v", sent.Request)
	}
	// the signature is that of any sender
	signed := to("echo", sent.Request.Body).header.Get("X-Webhook-Signature")
	if got := headerOf(sent.Request.Headers, "X-Webhook-Signature"); !slices.Equal(got, []string{signed}) {
		t.Errorf("signature %q, want %q", got, signed)
	}
	s.wantSource(sent.ExecutionID, journal.SourceConsole)
	// also if nobody waits for it, and not of a rerun
	s.putWorkflow("later", trigger(`{"responseMode":"minimal"}`))
	if sent, err = s.send(`{"workflow":"later","body":"{}"}`); err != nil {
		t.Fatal(err)
	}
	s.wantSource(sent.ExecutionID, journal.SourceConsole)
	again := s.app.engine.NewID()
	if err := s.app.executor.Rerun(t.Context(), sent.ExecutionID, again, nil); err != nil {
		t.Fatal(err)
	}
	s.wantSource(again, "")

	// headers, query and client address are those of the webhook
	const seen = `{"workflow":"seen","prefix":"/hooks/","body":"{}","query":"a=1&b=%20","headers":[["x-github-event","push"],["X-Key","k"]]}`
	asked := asCaddy(httptest.NewRequest(http.MethodPost, "/console/flowtrux/send", strings.NewReader(seen)))
	first, err := s.sendAs(asked)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"ip":"203.0.113.7","event":"push","q":"1"}`; first.Response.Body != want {
		t.Errorf("the workflow saw %s, want %s", first.Response.Body, want)
	}
	if first.Request.Query != "a=1&b=%20" || len(headerOf(first.Request.Headers, "X-Slack-Signature")) != 1 {
		t.Errorf("sent %+v", first.Request)
	}
	// a Unix socket has no address
	local := httptest.NewRequest(http.MethodPost, "/flowtrux/send", strings.NewReader(strings.Replace(seen, `"k"`, `"l"`, 1)))
	local.RemoteAddr = "@"
	if sent, err := s.sendAs(local); err != nil || !strings.Contains(sent.Response.Body, `"ip":"127.0.0.1"`) {
		t.Errorf("over a socket: %+v %v", sent, err)
	}
	if second, err := s.send(seen); err != nil || !second.Replayed || second.ExecutionID != first.ExecutionID {
		t.Errorf("a duplicate: %+v %v", second, err)
	}

	// what the handler rejects is a response
	for body, want := range map[string]int{
		`{"workflow":"echo","body":"{"}`:                                                   400,
		`{"workflow":"echo","body":"{}","headers":[["Content-Type","text/plain"]]}`:        415,
		fmt.Sprintf(`{"workflow":"echo","body":"\"%s\""}`, strings.Repeat("x", 1_000_000)): 200,
	} {
		sent, err := s.send(body)
		if err != nil || sent.Response.Status != want || (sent.ExecutionID == "") != (want != 200) {
			t.Errorf("%.60s: status %d, %v; want %d", body, sent.Response.Status, err, want)
		}
	}
}

// wantSource waits until an execution has succeeded, and checks where its record says it is from.
func (s *site) wantSource(id, source string) {
	s.t.Helper()
	var r *journal.Record
	eventually(s.t, id+" has succeeded", func() (ok bool) {
		var err error
		r, err = s.app.executor.Get(context.Background(), id)
		return err == nil && r.Status == journal.Succeeded
	})
	if r.Source != source {
		s.t.Errorf("the source of %s is %q, want %q", id, r.Source, source)
	}
}

func TestSendRejects(t *testing.T) {
	s := newSite(t, `{}`, `{"prefix":"/hooks/"}`)
	s.putWorkflow("echo", trigger(`{"responseMode":"lastNode"}`))
	s.put("workflows/open", trigger(`{"responseMode":"lastNode"}`))
	s.put("workflows/late", trigger(`{"responseMode":"lastNode"}`), "secrets/late", `{"secrets":[{"value":"once","expiresAt":"2020-01-01T00:00:00Z"}]}`)
	for _, test := range []struct {
		name, body string
		status     int
		message    string
	}{
		{"no JSON", `{`, 400, "the body is not what to send: unexpected EOF"},
		{"more", `{"workflow":"echo","body":"{}"} {}`, 400, "something after it"},
		{"an unknown field", `{"workflow":"echo","boddy":"{}"}`, 400, `unknown field "boddy"`},
		{"no workflow", `{"workflow":"none","body":"{}"}`, 404, `no workflow "none"`},
		{"no secret", `{"workflow":"open","body":"{}"}`, 409, `"open" has no live secret`},
		{"an expired secret", `{"workflow":"late","body":"{}"}`, 409, `"late" has no live secret`},
		{"another prefix", `{"workflow":"echo","prefix":"/api/","body":"{}"}`, 409, `at "/api/"; there are: /hooks/`},
		{"a space in the query", `{"workflow":"echo","body":"{}","query":"a=b c"}`, 400, `query: the character " " has to be escaped`},
		{"a fragment", `{"workflow":"echo","body":"{}","query":"a#b"}`, 400, `query: the character "#"`},
		{"a header with a space", `{"workflow":"echo","body":"{}","headers":[["X A","1"]]}`, 400, `headers[0]: "X A" cannot be the name`},
		{"a header with a newline", `{"workflow":"echo","body":"{}","headers":[["X-A","1"],["X-B","1\n2"]]}`, 400, `headers[1]: the value of X-B`},
		{"a signature", `{"workflow":"echo","body":"{}","headers":[["x-webhook-signature","1"]]}`, 400, `headers[0]: X-Webhook-Signature is part of the signature`},
		{"a length", `{"workflow":"echo","body":"{}","headers":[["content-length","1"]]}`, 400, `headers[0]: Content-Length is not up to`},
		{"too much", `{"workflow":"echo","body":"` + strings.Repeat("x", maxAdminBody) + `"}`, 413, "the body is over"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := s.send(test.body)
			wantAPIError(t, err, test.status, test.message)
		})
	}
	var none handlers
	if _, err := none.find(""); err == nil || !strings.Contains(err.Error(), "put the flowtrux directive in one") {
		t.Errorf("without a handler: %v", err)
	}
}

func TestSendSignsWithTheNewestSecret(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.put("workflows/echo", trigger(`{"responseMode":"lastNode"}`), "secrets/echo", fmt.Sprintf(
		`{"secrets":[{"value":"old","expiresAt":%q},{"value":"new"},{"value":"older","expiresAt":%q}]}`,
		time.Now().Add(2*time.Hour).UTC().Format(time.RFC3339), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
	sent, err := s.send(`{"workflow":"echo","body":"{}"}`)
	if err != nil {
		t.Fatal(err)
	}
	want := call{body: "{}"}.sign("", "new", time.Now()).header.Get("X-Webhook-Signature")
	if got := headerOf(sent.Request.Headers, "X-Webhook-Signature"); !slices.Equal(got, []string{want}) || sent.Response.Status != 200 {
		t.Errorf("signature %q, want %q; %+v", got, want, sent.Response)
	}
}

func TestSentResponse(t *testing.T) {
	long := strings.Repeat("x", maxSentResponse-1)
	for _, test := range []struct {
		writes         []string
		body, encoding string
		size           int
	}{
		{nil, "", "", 0},
		{[]string{"a", "ü"}, "aü", "", 0},
		{[]string{"\xff\x00"}, "/wA=", "base64", 0},
		{[]string{long, "x"}, long + "x", "", 0},
		{[]string{long, "üü", "x"}, long, "", maxSentResponse + 4},
	} {
		s := &sentResponse{header: http.Header{}}
		for _, text := range test.writes {
			if n, err := s.Write([]byte(text)); n != len(text) || err != nil {
				t.Fatal(n, err)
			}
		}
		if got := s.shown(); got.Body != test.body || got.Encoding != test.encoding || got.Size != test.size {
			t.Errorf("%.20q: %d bytes %.20q, %q, size %d", test.writes, len(got.Body), got.Body, got.Encoding, got.Size)
		}
	}
}

// wantAPIError checks the error of a route.
func wantAPIError(t *testing.T, err error, status int, message string) {
	t.Helper()
	api, ok := errors.AsType[caddy.APIError](err)
	if !ok || api.HTTPStatus != status || !strings.Contains(api.Err.Error(), message) {
		t.Errorf("%d: %v, want %d: …%s…", api.HTTPStatus, err, status, message)
	}
}
