package caddymodule

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestBodies sends bodies of many forms. The signature covers the bytes as sent, and nothing but
// JSON is accepted.
func TestBodies(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("echo", trigger(`{"responseMode":"lastNode"}`))
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct {
		name, body string
		want       string // "" = invalid_json
	}{
		{"object", `{"a":1}`, `{"a":1,"_query":{}}`},
		{"empty", ``, `{"_query":{}}`},
		{"white space around", " \t\r\n{\"a\" : 1}\r\n", `{"a":1,"_query":{}}`},
		{"CRLF inside", "{\r\n  \"a\": 1\r\n}\r\n", `{"a":1,"_query":{}}`},
		{"repeated key", `{"a":1,"b":2,"a":3}`, `{"b":2,"a":3,"_query":{}}`},
		{"its own _query", `{"_query":{"x":1},"a":1}`, `{"a":1,"_query":{}}`},
		{"array", `[1, 2]`, `[1,2]`},
		{"string", `"text"`, `"text"`},
		{"null", `null`, `null`},
		{"huge number", `{"n":123456789012345678901234567890.5e400}`, `{"n":123456789012345678901234567890.5e400,"_query":{}}`},
		{"negative zero", `-0`, `-0`},
		{"escapes", `{"a":"\u00e4\/\ud83d\ude00"}`, `{"a":"\u00e4\/\ud83d\ude00","_query":{}}`},
		{"512 deep", deep(512), deep(512)},

		{"513 deep", deep(513), ""},
		{"white space only", " ", ""},
		{"BOM", "\ufeff{}", ""},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", ""},
		{"two values", `{} {}`, ""},
		{"trailing comma", `{"a":1,}`, ""},
		{"comment", `{} // done`, ""},
		{"single quotes", `{'a':1}`, ""},
		{"NaN", `NaN`, ""},
		{"leading zero", `01`, ""},
		{"cut off", `{"a":`, ""},
		{"control character", "\"a\nb\"", ""},
		{"form", `a=1&b=2`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, chunked := range []bool{false, true} {
				call := to("echo", c.body)
				call.chunked = chunked
				r := s.do(call)
				if c.want == "" {
					if r.status != http.StatusBadRequest || r.code() != "invalid_json" {
						t.Errorf("%d %s", r.status, r.body)
					}
				} else if r.status != http.StatusOK || r.body != c.want {
					t.Errorf("%d %s, want %s", r.status, r.body, c.want)
				}
			}
		})
	}
}

// TestBodyLimits sends bodies that are too large, with and without a declared length, and too many
// at the same time.
func TestBodyLimits(t *testing.T) {
	s := newSite(t, `{"limits":{"body":5000,"body_memory":5000}}`, `{}`)
	s.putWorkflow("echo", trigger(`{"responseMode":"lastNode"}`))
	exact := `"` + strings.Repeat("x", 4998) + `"`
	for _, chunked := range []bool{false, true} {
		c := to("echo", exact)
		c.chunked = chunked
		if r := s.do(c); r.status != http.StatusOK || r.body != exact {
			t.Errorf("chunked %t, exactly the limit: %d, %d bytes", chunked, r.status, len(r.body))
		}
		c = to("echo", exact+" ")
		c.chunked = chunked
		if r := s.do(c); r.status != http.StatusRequestEntityTooLarge || r.code() != "body_too_large" {
			t.Errorf("chunked %t, one byte more: %d %s", chunked, r.status, r.body)
		}
	}
	s.app.bodies.memory.used.Add(1) // of another request
	r := s.do(to("echo", exact))
	if r.status != http.StatusServiceUnavailable || r.code() != "overloaded" || r.header.Get("Retry-After") == "" {
		t.Errorf("over the memory of all bodies: %d %s", r.status, r.body)
	}
	s.app.bodies.memory.used.Add(-1)
	if used := s.app.bodies.memory.used.Load(); used != 0 {
		t.Errorf("%d bytes are still counted", used)
	}
}

// TestBodyOfTheLimit passes on the longest possible body. The query is added to the event, and
// still fits every limit.
func TestBodyOfTheLimit(t *testing.T) {
	handsOn := func(mode, nodes, edges string) string {
		return `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"` + mode + `"}}},` +
			nodes + `],"edges":[` + edges + `]}`
	}
	const once = `{"source":"t","target":"a"}`
	documents := map[string]string{
		"transform": handsOn("lastNode", `{"id":"a","type":"transform","config":{"output":"{{trigger.data}}"}}`, once),
		"input":     handsOn("lastNode", `{"id":"a","type":"transform","config":{"operations":[{"op":"delete","path":"none"}]}}`, once),
		"code":      handsOn("lastNode", `{"id":"a","type":"code","config":{"input":"{{trigger.data}}","source":"return input"}}`, once),
		"twice": handsOn("lastNode", `{"id":"a","type":"transform","config":{"output":"{{trigger.data}}"}},
			{"id":"b","type":"transform","config":{"output":"{{steps.a.output}}"}}`, once+`,{"source":"a","target":"b"}`),
		"items": handsOn("lastNode", `{"id":"a","type":"transform","forEach":"{{trigger.data.all}}","config":{"output":"{{item}}"}}`, once),
	}
	for _, c := range []struct {
		name, limits string
		size         int
	}{
		{"defaults", `{}`, mib},
		{"longer than an output", `{"body":3000,"node_output":1000}`, 3000},
		{"little room", `{"body":65536,"node_input":70000,"execution_memory":300000}`, 64 * kib},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, `{"limits":`+c.limits+`}`, `{}`)
			for id, document := range documents {
				s.putWorkflow(id, document)
			}
			body := `{"all":["` + strings.Repeat("x", c.size-len(`{"all":[""]}`)) + `"]}`
			for _, query := range []string{"", "?a=" + strings.Repeat("%01", 200)} {
				for id := range documents {
					send := to(id, body)
					send.path += query
					if r := s.do(send); r.status != http.StatusOK || !strings.Contains(r.body, "xxxx") || len(r.body) < c.size-len(`{"all":}`) {
						t.Errorf("%s, a query of %d bytes: %d %.200s", id, len(query), r.status, r.body)
					}
				}
			}
		})
	}
}

// TestBodyTimeout checks that a sender that stops mid-body gets a response, and that its connection
// is closed.
func TestBodyTimeout(t *testing.T) {
	s := newSite(t, `{"limits":{"body_timeout":"50ms"}}`, `{}`)
	s.putWorkflow("echo", trigger(`{"responseMode":"lastNode"}`))
	conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/webhooks/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	checkLate(t, resp)
	if !resp.Close {
		t.Error("the connection is not closed")
	}
	if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the response: %v", err)
	}

	h2 := httptest.NewUnstartedServer(s.server.Config.Handler)
	h2.EnableHTTP2 = true
	h2.StartTLS()
	defer h2.Close()
	body, stop := io.Pipe()
	defer stop.Close()
	resp, err = h2.Client().Post(h2.URL+"/api/webhooks/echo", "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.ProtoMajor != 2 {
		t.Errorf("protocol %s", resp.Proto)
	}
	checkLate(t, resp)
}

func checkLate(t *testing.T, resp *http.Response) {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if got := (reply{body: string(b)}); err != nil || resp.StatusCode != http.StatusRequestTimeout || got.code() != "body_timeout" {
		t.Errorf("%d %s, %v", resp.StatusCode, b, err)
	}
}

// TestBodiesOfTheQueue checks that requests that wait for a slot count towards the memory of
// bodies, so that the wait queue cannot use unlimited memory. Running ones do not count.
func TestBodiesOfTheQueue(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(`,"limits":{"body":5000,"body_memory":8000,"executions":1,"queue_wait":"1m","node_timeout":"1m"}`), `{}`)
	s.putWorkflow("slow", u.workflow(`{"responseMode":"lastNode","timeout":"1m"}`))
	body := `"` + strings.Repeat("x", 4000) + `"`
	first := s.start(to("slow", body))
	<-u.arrived
	second := s.start(to("slow", body))
	eventually(t, "the second one waits", func() bool { return s.app.bodies.memory.used.Load() > 0 && s.app.engine.InUse() == 1 })
	if r := s.do(to("slow", body)); r.status != http.StatusServiceUnavailable || r.code() != "overloaded" {
		t.Errorf("a third one: %d %s", r.status, r.body)
	}
	close(u.answer)
	for _, c := range []<-chan reply{first, second} {
		if r := <-c; r.status != http.StatusOK || r.body != answered {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	if used := s.app.bodies.memory.used.Load(); used != 0 {
		t.Errorf("%d bytes are still counted", used)
	}
}
