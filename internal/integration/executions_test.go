package integration

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/journal"
)

// failing is a workflow that uses a secret global in its output, and fails.
const failing = `{"nodes":[
	{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
	{"id":"say","type":"transform","config":{"output":{"token":"Bearer {{global.__secret_token}}","n":"{{trigger.data.n}}"}}},
	{"id":"call","type":"http-request","config":{"url":"http://127.0.0.1:9/"}},
	{"id":"after","type":"transform","config":{"output":1}}],
	"edges":[{"source":"trigger","target":"say"},{"source":"say","target":"call"},{"source":"call","target":"after"}]}`

// record polls the admin API until an execution has the status, and returns its record.
func (s *server) record(id, status string) (r journal.Record) {
	s.t.Helper()
	eventually(s.t, id+" is "+status, func() bool {
		a := s.ask(http.MethodGet, "executions/"+id, "")
		return a.status == http.StatusOK && json.Unmarshal([]byte(a.body), &r) == nil && r.Status == status
	})
	return r
}

func (s *server) executions(query string) (page adminapi.Executions) {
	s.t.Helper()
	a := s.ask(http.MethodGet, "executions?"+query, "")
	if err := json.Unmarshal([]byte(a.body), &page); a.status != http.StatusOK || err != nil {
		s.t.Fatalf("listing: %d %s", a.status, a.body)
	}
	return page
}

// read waits until the store has been read.
func (s *server) read() {
	s.t.Helper()
	eventually(s.t, "the store has been read", func() bool {
		return s.ask(http.MethodGet, "workflows", "").status == http.StatusOK
	})
}

// loaded waits until the store has been read and its workflows are prepared. Until then a sender
// may be asked to retry.
func (s *server) loaded() {
	s.t.Helper()
	s.read()
	eventually(s.t, "nothing is being prepared", func() bool {
		var status struct{ Preparing []string }
		return json.Unmarshal([]byte(s.ask(http.MethodGet, "status", "").body), &status) == nil && len(status.Preparing) == 0
	})
}

func TestExecutions(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	s.loaded()
	s.put("at-once", echo("minimal"))
	s.put("fails", failing)
	if a := s.ask(http.MethodPut, "globals/__secret_token", `"hush-hush-hush"`); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	first := s.post("/api/webhooks/at-once", `{"n":1}`).header.Get("X-Execution-Id")
	ended := s.record(first, journal.Succeeded)
	if ended.Mode != "minimal" || len(ended.Nodes) != 1 || ended.Nodes[0].Output.Text != `{"got":{"n":1,"_query":{}}}` {
		t.Errorf("record %+v", ended)
	}
	second := s.post("/api/webhooks/fails", `{"n":2}`).header.Get("X-Execution-Id")
	bad := s.record(second, journal.Failed)
	if bad.Node != "call" || bad.Code != "http_address_refused" || bad.Nodes[0].Output.Text != `{"token":"Bearer ***","n":2}` {
		t.Errorf("record %+v", bad)
	}

	if page := s.executions("limit=1"); len(page.Executions) != 1 || page.Executions[0].ID != second || page.Next == "" {
		t.Errorf("the newest: %+v", page)
	} else if page = s.executions("limit=1&cursor=" + page.Next); len(page.Executions) != 1 || page.Executions[0].ID != first || page.Next != "" {
		t.Errorf("the one before: %+v", page)
	}
	if page := s.executions("status=failed&workflow=fails"); len(page.Executions) != 1 || page.Executions[0].ID != second {
		t.Errorf("failed executions: %+v", page)
	}

	a := s.ask(http.MethodPost, "executions/"+first+"/replay", "")
	var again adminapi.Rerun
	if err := json.Unmarshal([]byte(a.body), &again); a.status != http.StatusAccepted || err != nil || again.ReplayOf != first {
		t.Fatalf("replaying: %d %s", a.status, a.body)
	}
	if r := s.record(again.ID, journal.Succeeded); r.ReplayOf != first || r.Revision != ended.Revision || r.Nodes[0].Output != ended.Nodes[0].Output {
		t.Errorf("the replay: %+v", r)
	}
	s.put("at-once", strings.Replace(echo("minimal"), `"got"`, `"now"`, 1))
	a = s.ask(http.MethodPost, "executions/"+first+"/replay?revision=current", "")
	if err := json.Unmarshal([]byte(a.body), &again); err != nil {
		t.Fatalf("replaying: %d %s", a.status, a.body)
	}
	if r := s.record(again.ID, journal.Succeeded); r.Revision == ended.Revision || r.Nodes[0].Output.Text != `{"now":{"n":1,"_query":{}}}` {
		t.Errorf("the replay with the current workflow: %+v", r)
	}

	unknown := "exec-01hzzzzzzzzzzzzzzzzzzzzzzz"
	for request, want := range map[string]int{
		"GET executions/" + unknown:                          http.StatusNotFound,
		"GET executions/nonsense":                            http.StatusNotFound,
		"GET executions?cursor=nonsense":                     http.StatusBadRequest,
		"GET executions?limit=0":                             http.StatusBadRequest,
		"GET executions?limit=1001":                          http.StatusBadRequest,
		"GET executions?status=lost":                         http.StatusBadRequest,
		"POST executions/" + first + "/cancel":               http.StatusConflict,
		"POST executions/" + unknown + "/cancel":             http.StatusNotFound,
		"POST executions/" + unknown + "/replay":             http.StatusNotFound,
		"POST executions/" + first + "/replay?revision=next": http.StatusBadRequest,
		"GET executions/" + first + "/cancel":                http.StatusMethodNotAllowed,
	} {
		method, path, _ := strings.Cut(request, " ")
		if a := s.ask(method, path, ""); a.status != want {
			t.Errorf("%s: %d %s, want %d", request, a.status, a.body, want)
		}
	}
	if n := len(s.executions("").Executions); n != 4 {
		t.Errorf("%d executions after the rejected requests, want 4", n)
	}

	address := "--address=" + s.admin
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"executions", "list"}, []string{"EXECUTION", first, second, "call: http_address_refused"}},
		{[]string{"executions", "list", "--status=failed", "--json"}, []string{`"id": "` + second}},
		{[]string{"executions", "list", "--limit=1"}, []string{"there are more: --cursor exec-"}},
		{[]string{"executions", "show", second}, []string{
			"failed      call: http_address_refused", "say (transform) completed, 1 attempt in", `input  {"output":{"token":"Bearer ***","n":2}}`,
			`output {"token":"Bearer ***","n":2}`, `input  {"url":"http://127.0.0.1:9/"}`, "error  http_address_refused: ",
			"after (transform) stopped: call failed",
		}},
		{[]string{"executions", "show", second, "--json"}, []string{`"why": "call failed"`, `"masked": true`, `"input": {`}},
		{[]string{"executions", "replay", first}, []string{"replays " + first + " as exec-"}},
		{[]string{"status"}, []string{"durability: disk", "writes per second"}},
	} {
		out, errOut, err := cli(t, "", append(c.args, address)...)
		if err != nil || !containsAll(out, c.want...) {
			t.Errorf("%v: %v\n%s%s", c.args, err, out, errOut)
		}
		if strings.Contains(out, "hush-hush") {
			t.Errorf("%v shows a secret", c.args)
		}
	}
}

// TestRestart checks that accepted executions that had not ended continue in the next process, from
// the same journal file.
func TestRestart(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	s.loaded()
	s.put("at-once", echo("minimal"))
	id := s.post("/api/webhooks/at-once", `{"n":1}`).header.Get("X-Execution-Id")
	s.record(id, journal.Succeeded)
	s.stop()
	s.load(s.caddyfile("", ""))
	s.loaded()
	s.record(id, journal.Succeeded)
}
