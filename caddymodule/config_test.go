package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

func TestLimitsDefaults(t *testing.T) {
	var l Limits
	if err := l.check(); err != nil {
		t.Fatal(err)
	}
	want := Limits{
		Body: 1 << 20, BodyTimeout: caddy.Duration(10 * time.Second), BodyMemory: 256 << 20,
		Executions: 256, QueueWait: caddy.Duration(time.Second),
		NodeMemory: 64 << 20, NodeTimeout: caddy.Duration(10 * time.Second), NodeInput: 4 << 20, NodeOutput: 1 << 20,
		ForEachItems: 10000, ExecutionMemory: 32 << 20, ExecutionTimeout: caddy.Duration(5 * time.Minute),
	}
	if l != want {
		t.Errorf("defaults %+v, want %+v", l, want)
	}
	if again := l; again.check() != nil || again != l {
		t.Errorf("checking again changed %+v to %+v", l, again)
	}
}

// TestLimitsFollowBodies checks that the limits that a larger body needs rise with it, and that a
// lower configured limit causes a warning.
func TestLimitsFollowBodies(t *testing.T) {
	for _, c := range []struct {
		given         Limits
		input, memory int64
		warning       string
	}{
		{Limits{Body: 1}, 4 * mib, 32 * mib, ""},
		{Limits{Body: 4 * mib}, 16 * mib, 32 * mib, ""},
		{Limits{Body: 100 * mib}, 400 * mib, 800 * mib, ""},
		{Limits{Body: 1 * gib, BodyMemory: gib}, 1 * gib, 1 * gib, "node_input"},
		{Limits{Body: 200 * mib}, 800 * mib, 1 * gib, ""},
		{Limits{Body: 4 * mib, NodeInput: 5 * mib, ExecutionMemory: 16 * mib}, 5 * mib, 16 * mib, ""},
		{Limits{Body: 4 * mib, NodeInput: 4 * mib}, 4 * mib, 32 * mib, "node_input"},
		{Limits{Body: 4 * mib, ExecutionMemory: 15 * mib}, 16 * mib, 15 * mib, "execution_memory"},
	} {
		l := c.given
		if err := l.check(); err != nil {
			t.Errorf("%+v: %v", c.given, err)
		}
		if l.NodeInput != c.input || l.ExecutionMemory != c.memory {
			t.Errorf("%+v: node_input %d, execution_memory %d", c.given, l.NodeInput, l.ExecutionMemory)
		}
		if got := l.tooTight(); (got == "") != (c.warning == "") || !strings.HasPrefix(got, c.warning) {
			t.Errorf("%+v: warning %q, want one of %q", c.given, got, c.warning)
		}
	}
}

func TestLimitsRefused(t *testing.T) {
	for config, want := range map[string]string{
		`{"body":-1}`:                        "body is -1 bytes",
		`{"body":2000,"body_memory":1000}`:   "the longest body could never be read",
		`{"body":2147483648}`:                "body is 2147483648 bytes",
		`{"executions":-1}`:                  "executions is -1",
		`{"queue_wait":-1}`:                  "queue_wait is negative",
		`{"node_memory":4294967297}`:         "node_memory",
		`{"node_memory":1024}`:               "node_memory is 1024 bytes; it must be between 4MiB",
		`{"node_output":-5,"node_input":-5}`: "node_input is -5 bytes",
		`{"foreach_items":100000000}`:        "foreach_items",
		`{"execution_timeout":"-1s"}`:        "execution_timeout is negative",
	} {
		var l Limits
		if err := json.Unmarshal([]byte(config), &l); err != nil {
			t.Fatal(err)
		}
		if err := l.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

func TestNodeCheck(t *testing.T) {
	t.Setenv("NODES", "/srv/nodes")
	t.Setenv("API", "api.example.com:8443")
	repl := caddy.NewReplacer()
	good := &Node{File: "{env.NODES}/scan.wasm", Allow: &Allow{HTTP: true, HTTPHosts: []string{"{env.API}"}}}
	if err := good.check("scan", repl); err != nil {
		t.Fatal(err)
	}
	if good.File != "/srv/nodes/scan.wasm" || good.Allow.HTTPHosts[0] != "api.example.com:8443" {
		t.Errorf("placeholders gave %q, %q", good.File, good.Allow.HTTPHosts)
	}
	for _, c := range []struct {
		name, config, want string
	}{
		{"Scan", `{"file":"a.wasm"}`, "lower-case"},
		{"", `{"file":"a.wasm"}`, "lower-case"},
		{"scan", `null`, "file is missing"},
		{"scan", `{}`, "file is missing"},
		{"scan", `{"file":"{env.NO_SUCH_VARIABLE}/a.wasm"}`, "resolving"},
		{"scan", `{"file":"a.wasm","sha256":"abc"}`, "64 hex digits"},
		{"scan", `{"file":"https://example.com/a.wasm"}`, "sha256 is missing"},
		{"scan", `{"file":"oci://registry.example.com/a:1.0"}`, "sha256 is missing"},
		{"scan", `{"file":"http://example.com/a.wasm"}`, "plain http"},
		{"scan", `{"file":"oci://registry.example.com/{env.NODES}:1.0"}`, "not a reference"},
		{"trigger", `{"file":"a.wasm"}`, "built-in"},
		{"scan", `{"file":"a.wasm","memory":-1}`, "memory"},
		{"scan", `{"file":"a.wasm","memory":1024}`, "between 64KiB"},
		{"scan", `{"file":"a.wasm","allow":{"http":true,"http_hosts":["{env.NODES}"]}}`, "neither a host nor host:port"},
		{"scan", `{"file":"a.wasm","timeout":-1}`, "timeout"},
		{"scan", `{"file":"a.wasm","fuel":-1}`, "fuel"},
		{"scan", `{"file":"a.wasm","snapshot":"on"}`, "snapshot"},
		{"scan", `{"file":"a.wasm","allow":{"http_hosts":["a"]}}`, "without http"},
	} {
		var n *Node
		if err := json.Unmarshal([]byte(c.config), &n); err != nil {
			t.Fatal(err)
		}
		if err := n.check(c.name, repl); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %s: %v, want %q", c.name, c.config, err, c.want)
		}
	}
}

func TestNodeLimits(t *testing.T) {
	l := Limits{NodeMemory: 64 * mib, NodeTimeout: caddy.Duration(10 * time.Second), NodeOutput: 5}
	got := (&Node{}).limits(&l)
	if got.Memory != 64*mib || got.Timeout != 10*time.Second || got.Output != 5 || got.Fuel != 0 || got.NoSnapshot {
		t.Errorf("without its own limits: %+v", got)
	}
	got = (&Node{Memory: mib, Timeout: caddy.Duration(time.Second), Fuel: 7, Snapshot: "off"}).limits(&l)
	if got.Memory != mib || got.Timeout != time.Second || got.Fuel != 7 || !got.NoSnapshot {
		t.Errorf("with its own limits: %+v", got)
	}
	if got = (&Node{Timeout: caddy.Duration(time.Minute)}).limits(&l); got.Timeout != 10*time.Second {
		t.Errorf("a node may run for %v, longer than all nodes", got.Timeout)
	}
}

func TestGlobalsWrite(t *testing.T) {
	for _, bad := range []string{"", "[", "__secret*", "__secret_crm"} {
		if checkPatterns([]string{bad}) == nil {
			t.Errorf("pattern %q is accepted", bad)
		}
	}
	a := &App{GlobalsWrite: []string{"last_order", "counters.*", "*"}}
	if err := checkPatterns(a.GlobalsWrite); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{"last_order": true, "counters.a": true, "x": true, "a/b": false, "__secret_crm": false, "": false} {
		if got := a.mayWrite(key); got != want {
			t.Errorf("%q: %t", key, got)
		}
	}
	if (&App{GlobalsWrite: []string{"a"}}).mayWrite("b") || new(App).mayWrite("a") {
		t.Error("a key can be written that matches no pattern")
	}
}

func TestInstallation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "seed")
	first, err := openInstallation(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !os.IsNotExist(err) {
		t.Errorf("the secret was written before it was saved: %v", err)
	}
	for range 2 {
		if err := first.save(); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("%v next to the secret, %v", entries, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("secret file %v, %v", info, err)
	}
	second, err := openInstallation(path)
	if err != nil || second.seed != first.seed || second.seed == ([seedSize]byte{}) {
		t.Errorf("the secret has changed: %v", err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openInstallation(path); err == nil || strings.Contains(err.Error(), "short") {
		t.Errorf("a damaged secret: %v", err)
	}
}

// TestAdminAddresses fails when a release of Caddy hides its admin endpoint from adminAddresses.
func TestAdminAddresses(t *testing.T) {
	ctx, err := caddy.ProvisionContext(&caddy.Config{Admin: &caddy.AdminConfig{
		Listen: "127.0.0.1:7019", Remote: &caddy.RemoteAdmin{Listen: "tcp/0.0.0.0:7021"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(adminAddresses(ctx), " ")
	for _, want := range []string{"127.0.0.1:7019", "0.0.0.0:7021", "localhost:2019"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not among %s", want, got)
		}
	}
	ctx, err = caddy.ProvisionContext(&caddy.Config{Admin: &caddy.AdminConfig{Listen: "unix//run/caddy.sock"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := adminAddresses(ctx); len(got) != 2 {
		t.Errorf("addresses with a socket: %q", got)
	}
	if got := adminAddresses(caddy.Context{}); len(got) != 2 {
		t.Errorf("addresses without a config: %q", got)
	}
}
