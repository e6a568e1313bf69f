package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// code is a workflow that responds with the result of JavaScript on the event.
func code(source string) string {
	return fmt.Sprintf(`{"nodes":[
		{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
		{"id":"code","type":"code","config":{"source":%q}}],"edges":[{"source":"trigger","target":"code"}]}`, source)
}

// TestPreparing starts with several documents, some of which take longer to prepare than the test
// lasts.
func TestPreparing(t *testing.T) {
	seed := t.TempDir()
	endless := code("const a = new Uint8Array(3e7); for (;;) a.fill(1)\nexport default () => 1")
	for name, document := range map[string]string{
		"slow": endless, "slow-too": strings.Replace(endless, "3e7", "2e7", 1), "quick": code("return 1"), "plain": echo("lastNode"),
	} {
		if err := os.MkdirAll(filepath.Join(seed, "workflows"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(seed, "workflows", name+".json"), []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t)
	s.load(s.caddyfile("store embedded {\n seed "+seed+"\n }\n limits {\n queue_wait 50ms\n }", ""))
	s.read()
	server := "--address=" + s.admin
	for _, id := range []string{"slow", "slow-too", "quick", "plain"} {
		if a := s.ask(http.MethodPut, "secrets/"+id, secret); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	eventually(t, "the others are served", func() bool {
		return s.post("/api/webhooks/plain", `{}`).status == http.StatusOK && s.post("/api/webhooks/quick", `{}`).status == http.StatusOK
	})
	if a := s.post("/api/webhooks/slow", `{}`); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, `"not_ready"`) || a.header.Get("Retry-After") == "" {
		t.Errorf("a signed request: %d %v %s", a.status, a.header, a.body)
	}

	var status struct {
		Ready     bool
		Preparing []string
		Workflows struct{ Serving, Preparing int }
		Troubles  []any
	}
	out, _, err := cli(t, "", "status", "--json", server)
	if e := json.Unmarshal([]byte(out), &status); err != nil || e != nil || !status.Ready || !slices.Equal(status.Preparing, []string{"slow", "slow-too"}) ||
		status.Workflows.Serving != 2 || status.Workflows.Preparing != 2 {
		t.Errorf("status: %v, %v, %s", err, e, out)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"status", server}, "preparing   2: slow, slow-too\n"},
		{[]string{"status", "--ready", server}, "ready\n"},
		{[]string{"status", "--ready", "--json", server}, `"ready": true`},
		{[]string{"list", server}, "slow-too  preparing  "},
		{[]string{"list", "--json", server}, `"state": "preparing"`},
		{[]string{"delete", "slow-too", server}, "deleted slow-too\n"},
	} {
		if out, errOut, err := cli(t, "", c.args...); err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%q: %v, %s%s", c.args, err, out, errOut)
		}
	}

	// A new version replaces one that is being prepared.
	if a := s.ask(http.MethodPut, "workflows/slow", code("return 2")); a.status != http.StatusOK || !strings.Contains(a.body, `"prepareFuel": `) {
		t.Errorf("a new version: %d %s", a.status, a.body)
	}
	if a := s.post("/api/webhooks/slow", `{}`); a.status != http.StatusOK || a.body != "2" {
		t.Errorf("the new version: %d %s", a.status, a.body)
	}
	if out, _, err := cli(t, "", "status", server); err != nil || strings.Contains(out, "preparing") {
		t.Errorf("status at the end: %v, %s", err, out)
	}
}

// TestPrepareFuel checks that the fuel for preparing all nodes of a document is bounded, and is
// reported.
func TestPrepareFuel(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	s.loaded()
	spin := "let i = 0; while (i < 2e7) i++\nexport default () => i"
	for name, c := range map[string]struct {
		document, want string
		status         int
	}{
		"validate": {code("return 1"), `"prepareFuel": `, http.StatusOK},
		"too much": {code(spin), `"reason": "takes too long to prepare: with it the document's nodes burn more than 150000000000 units of fuel`, http.StatusOK},
		"put":      {code(spin), `"path": "nodes[1].config.source"`, http.StatusBadRequest},
	} {
		method, path := http.MethodPost, "validate?id=w"
		if name == "put" {
			method, path = http.MethodPut, "workflows/w"
		}
		if a := s.ask(method, path, c.document); a.status != c.status || !strings.Contains(a.body, c.want) ||
			method == http.MethodPost && strings.Contains(a.body, `"valid": true`) != (name == "validate") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	good, bad := write(t, "good.json", code("return 1")), write(t, "bad.json", code(spin))
	out, _, err := cli(t, "", "validate", good)
	if err != nil || !strings.Contains(out, "workflow good, 2 nodes, prepared with ") || !strings.Contains(out, " of 150000000000 units of fuel") {
		t.Errorf("validate: %v, %s", err, out)
	}
	if out, _, err := cli(t, "", "apply", "--json", "--address="+s.admin, good); err != nil || !strings.Contains(out, `"prepareFuel": `) {
		t.Errorf("apply: %v, %s", err, out)
	}
	if _, errOut, err := cli(t, "", "validate", bad); err == nil || !strings.Contains(errOut, "nodes[1].config.source: takes too long to prepare") {
		t.Errorf("validate: %v, %s", err, errOut)
	}
}
