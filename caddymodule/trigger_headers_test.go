package caddymodule

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/flowtrux/edge/runtime/journal"
)

func TestIsJSONType(t *testing.T) {
	for _, c := range []struct {
		values []string
		want   bool
	}{
		{nil, true},
		{[]string{""}, true},
		{[]string{"application/json"}, true},
		{[]string{"Application/JSON"}, true},
		{[]string{"application/json; charset=utf-8"}, true},
		// JSON has no charset parameter (RFC 8259, section 11)
		{[]string{"application/json;charset=latin1"}, true},
		{[]string{" application/json "}, true},
		{[]string{"application/cloudevents+json"}, true},
		{[]string{"application/vnd.github+json; v=3"}, true},
		{[]string{"image/x+json"}, true},

		{[]string{"text/json"}, false},
		{[]string{"text/plain"}, false},
		{[]string{"application/x-www-form-urlencoded"}, false},
		{[]string{"multipart/form-data; boundary=x"}, false},
		{[]string{"application/jsonp"}, false},
		{[]string{"application/json-seq"}, false},
		{[]string{"application/+json"}, false},
		{[]string{"/json"}, false},
		{[]string{"/x+json"}, false},
		{[]string{"application"}, false},
		{[]string{"application/json, text/plain"}, false},
		{[]string{"text/plain, application/x+json"}, false},
		{[]string{"application/json/x+json"}, false},
		{[]string{"; charset=utf-8"}, false},
		{[]string{"application/json", "application/json"}, false},
		{[]string{"", "application/json"}, false},
	} {
		if got := isJSONType(c.values); got != c.want {
			t.Errorf("%q: %t, want %t", c.values, got, c.want)
		}
	}
}

func TestIsIdentity(t *testing.T) {
	for _, c := range []struct {
		values []string
		want   bool
	}{
		{nil, true},
		{[]string{""}, true},
		{[]string{"identity"}, true},
		{[]string{"Identity, identity"}, true},
		{[]string{"gzip"}, false},
		{[]string{"identity, gzip"}, false},
		{[]string{"identity", "br"}, false},
	} {
		if got := isIdentity(c.values); got != c.want {
			t.Errorf("%q: %t, want %t", c.values, got, c.want)
		}
	}
}

func TestTriggerHeaders(t *testing.T) {
	h := http.Header{}
	h.Set("X-Webhook-Signature", "ab")
	h.Set("Authorization", "Bearer secret")
	h.Set("Proxy-Authorization", "Basic secret")
	h.Set("Cookie", "session=secret")
	h.Set("X-Event", "order \"created\"\xff")
	h.Add("Accept", "a")
	h.Add("Accept", "b")
	const want = `{"accept":"a, b","x-event":"order \"created\"` + "�" + `"}`
	got := triggerHeaders(h, []string{"X-Webhook-Signature"})
	if string(got) != want || !json.Valid(got) {
		t.Errorf("headers %s, want %s", got, want)
	}
	if got := triggerHeaders(nil, nil); string(got) != "{}" {
		t.Errorf("no headers give %s", got)
	}
}

// TestHeadersAreThereForWhoReadsThem checks that each execution has the headers of its request in
// its record, whoever makes them: most plans do not read them.
func TestHeadersAreThereForWhoReadsThem(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(""), `{}`)
	s.putWorkflow("waiting", trigger(`{"responseMode":"lastNode"}`))
	s.putWorkflow("minimal", trigger(`{"responseMode":"minimal"}`))
	s.putWorkflow("adopted", u.workflow(`{"responseMode":"lastNode","timeout":"20ms","onTimeout":"accept"}`))
	s.putWorkflow("reads", `{"nodes":[
		{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
		{"id":"out","type":"transform","config":{"output":"{{trigger.headers.x-event}}"}}],
		"edges":[{"source":"t","target":"out"}]}`)
	for _, id := range []string{"waiting", "minimal", "adopted", "reads"} {
		got := s.do(to(id, `{}`).with("X-Event", id))
		if id == "reads" && got.body != `"reads"` {
			t.Errorf("a template reads %s", got.body)
		}
		if id == "adopted" {
			close(u.answer)
		}
		var r *journal.Record
		eventually(t, id+" has a record", func() bool {
			var err error
			r, err = s.app.executor.Get(t.Context(), got.header.Get("X-Execution-Id"))
			return err == nil && r.Status == journal.Succeeded
		})
		var headers map[string]string
		if err := json.Unmarshal([]byte(r.Trigger.Headers.Text), &headers); err != nil {
			t.Fatalf("%s: %v: %q", id, err, r.Trigger.Headers.Text)
		}
		if _, signed := headers["x-webhook-signature"]; headers["x-event"] != id || signed {
			t.Errorf("%s: its record has the headers %v", id, headers)
		}
	}
}
