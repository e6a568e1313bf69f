package caddymodule

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowtrux/edge/runtime/response"
)

// TestPlaceholders checks that header directives, handlers that replace responses, and the access
// log see the result of a request, in a real Caddy.
func TestPlaceholders(t *testing.T) {
	log := filepath.Join(t.TempDir(), "access.log")
	value := func(name string) string { return `{http.flowtrux.` + name + `}` }
	show := value("workflow") + " " + value("execution_id") + " " + value("status") + " " + value("code")
	r := runWith(t, `{}`, around{
		before: `
			{"handler": "log_append", "key": "hook", "value": "` + value("status") + `"},
			{"handler": "log_append", "key": "hook_code", "value": "` + value("code") + `"},
			{"handler": "intercept", "handle_response": [{
				"match": {"status_code": [500]},
				"routes": [{"handle": [{"handler": "headers", "response": {"delete": ["Content-Length"]}}, {"handler": "static_response", "status_code": 502, "body": "replaced: ` + show + `"}]}]
			}]},
			{"handler": "headers", "response": {"deferred": true, "set": {"X-Hook": ["` + show + `"]}}},`,
		server:  `, "logs": {}`,
		logging: `, "access": {"writer": {"output": "file", "filename": "` + log + `", "roll": false}, "include": ["http.log.access"]}`,
	})
	s := site{t: t, app: r.app(), caddy: r}
	s.putWorkflow("broken", failing)
	s.putWorkflow("later", trigger(`{"responseMode":"minimal"}`))
	s.putWorkflow("once", trigger(`{"responseMode":"lastNode","idempotency":{"header":"X-Key"}}`))
	var codes, statuses []string
	for _, c := range []struct {
		name   string
		call   call
		hook   string // with * for the execution's ID
		status int
	}{
		{"succeeded", to("echo", `1`), "echo * succeeded ", 200},
		{"failed", to("broken", `1`), "broken * failed execution_failed", 502},
		{"accepted", to("later", `1`), "later * pending ", 200},
		{"first", to("once", `1`).with("X-Key", "k"), "once * succeeded ", 200},
		{"duplicate", to("once", `1`).with("X-Key", "k"), "once * duplicate ", 200},
		{"key reused", to("once", `2`).with("X-Key", "k"), "once  rejected idempotency_key_reused", 422},
		{"unsigned", call{path: defaultPrefix + "echo", body: `1`}, "echo  rejected invalid_signature", 401},
		{"unknown", to("made-up", `1`), "made-up  rejected workflow_not_found", 404},
		{"long", to(strings.Repeat("a", 70), `1`), strings.Repeat("a", 64) + "  rejected workflow_not_found", 404},
	} {
		reply := s.do(c.call)
		want := strings.Replace(c.hook, "*", reply.header.Get("X-Execution-Id"), 1)
		got := reply.header.Get("X-Hook")
		if text, replaced := strings.CutPrefix(reply.body, "replaced: "); replaced {
			got = text
		}
		if reply.status != c.status || strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s: %d %q, want %d %q; %s", c.name, reply.status, got, c.status, want, reply.body)
		}
		parts := strings.Split(c.hook, " ")
		statuses, codes = append(statuses, parts[2]), append(codes, parts[3])
	}
	lines := accessLog(t, log, len(statuses))
	for i, line := range lines {
		if hook, _ := line["hook"].(string); hook != statuses[i] {
			t.Errorf("line %d of the access log: hook %q, want %q", i, hook, statuses[i])
		}
		if code, _ := line["hook_code"].(string); code != codes[i] {
			t.Errorf("line %d of the access log: hook_code %q, want %q", i, code, codes[i])
		}
	}
}

// accessLog waits for n lines of a JSON log.
func accessLog(t *testing.T, file string, n int) []map[string]any {
	t.Helper()
	var lines []map[string]any
	eventually(t, "the lines of the access log", func() bool {
		lines = nil
		f, err := os.Open(file)
		if err != nil {
			return false
		}
		defer f.Close()
		for scan := bufio.NewScanner(f); scan.Scan(); {
			var line map[string]any
			if err := json.Unmarshal(scan.Bytes(), &line); err != nil {
				return false
			}
			lines = append(lines, line)
		}
		return len(lines) >= n
	})
	return lines
}

// TestPlaceholdersOfOthers checks that the handler knows no names but its own, and that
// placeholders of the response are empty before there is one.
func TestPlaceholdersOfOthers(t *testing.T) {
	x := exchange{id: "order"}
	for _, name := range []string{"http.flowtrux.secret", "http.flowtrux.", "http.request.host", "workflow", ""} {
		if v, ok := x.placeholder(name); ok {
			t.Errorf("%s is %v", name, v)
		}
	}
	for _, name := range []string{"execution_id", "status", "code"} {
		if v, ok := x.placeholder("http.flowtrux." + name); !ok || v != "" {
			t.Errorf("%s is %v, %t, before there is a response", name, v, ok)
		}
	}
	x.header = response.Header{}
	if v, _ := x.placeholder("http.flowtrux.execution_id"); v != "" {
		t.Errorf("the execution of a rejected request is %v", v)
	}
}
