package caddymodule

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/internal/wasmbuild"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// familyFile returns the file of a module that offers the node types count, length and read.
func familyFile(t *testing.T) string {
	t.Helper()
	return compiledC(t, "../nodes/sdk/languages/testdata/family.c")
}

// fileOf returns the file of a module that offers a node type of this name. more is added to its
// manifest.
func fileOf(t *testing.T, typ, more string) string {
	t.Helper()
	source := filepath.Join(t.TempDir(), "node.c")
	text := fmt.Sprintf(`#include "flowtrux.h"
		static ft_answer run(ft_text config) { (void)config; return ft_fatal("none", ""); }
		static const ft_node nodes[] = {{%q, run}, {"{\"abi\":1,\"type\":\"other\",\"version\":\"1\"}", run}};
		FT_NODES(nodes)`, fmt.Sprintf(`{"abi":1,"type":%q,"version":"1"%s}`, typ, more))
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return compiledC(t, source)
}

func compiledC(t *testing.T, source string) string {
	t.Helper()
	wasm, err := wasmbuild.C(t.Context(), source, "-I../nodes/sdk/languages/c", "-Wl,--stack-first")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "module.wasm")
	if err := os.WriteFile(file, wasm, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// All node types of a module can be used, each with its own settings.
func TestFamilies(t *testing.T) {
	file := familyFile(t)
	s := provisionSite(t, fmt.Sprintf(`{"families":[{"file":%q,"memory":8388608,"timeout":"2s","fuel":5000,"types":{
		"read":{"as":"read-global","allow":{"globals":true,"http":true},"memory":1048576,"timeout":"1s","fuel":1000}
	}},{"file":%q,"types":{"switch":{"as":"mine"}}}]}`, file, fileOf(t, "switch", "")), `{}`)
	if names, want := s.app.types.Names(), []string{"code", "condition", "count", "http-request", "length", "mine", "other", "read-global", "switch", "transform"}; !slices.Equal(names, want) {
		t.Errorf("node types %q, want %q", names, want)
	}
	for name, want := range map[string]struct {
		memory  uint64
		timeout time.Duration
		fuel    uint64
		grants  string
	}{
		"count":       {8 << 20, 2 * time.Second, 5000, ""},
		"length":      {8 << 20, 2 * time.Second, 5000, ""},
		"read-global": {1 << 20, time.Second, 1000, "globals"},
		"mine":        {64 << 20, 10 * time.Second, 0, ""},
	} {
		m := module(t, s.app, name)
		l := m.Limits()
		if l.Memory != want.memory || l.Timeout != want.timeout || l.Fuel != want.fuel || strings.Join(m.Grants().Names(), " ") != want.grants {
			t.Errorf("%s: %+v, %q", name, l, m.Grants().Names())
		}
		typ, err := s.app.types.Type(name)
		if err != nil || typ.Name != name {
			t.Errorf("%s: %+v, %v", name, typ, err)
		}
	}
	r, err := module(t, s.app, "length").Call(t.Context(), new(hostapi.Session), []byte(`{"text":"four"}`), nil)
	if err != nil || string(r.Output) != "4" || r.Label != "some" {
		t.Errorf("%+v, %v", r, err)
	}
	if module(t, s.app, "count").Digest() != module(t, s.app, "length").Digest() {
		t.Error("two types of a module differ in its digest")
	}
}

// A bad family fails the config with a reason that names its file, and leaves nothing behind.
func TestFamiliesThatDoNotLoad(t *testing.T) {
	file, taken, trigger, odd := familyFile(t), fileOf(t, "switch", ""), fileOf(t, "trigger", ""), fileOf(t, "odd", `,"color":1`)
	read := `"read":{"allow":{"globals":true}}`
	for _, c := range []struct{ config, want string }{
		{`{"families":[null]}`, "families[0]: file is missing"},
		{`{"families":[{}]}`, "families[0]: file is missing"},
		{`{"families":[{"file":"x.wasm"},{"file":"{env.NO_SUCH}"}]}`, "nodes {env.NO_SUCH}: resolving '{env.NO_SUCH}'"},
		{`{"families":[{"file":"builtin:code"}]}`, "nodes builtin:code: 'builtin:code' is a built-in node type: declare it with node"},
		{`{"families":[{"file":"https://example.com/a.wasm"}]}`, "nodes https://example.com/a.wasm: sha256 is missing"},
		{`{"families":[{"file":"x.wasm","memory":1}]}`, "nodes x.wasm: memory is 1 bytes"},
		{`{"families":[{"file":"x.wasm","types":{"a":null}}]}`, "nodes x.wasm: type a: it has no settings"},
		{`{"families":[{"file":"x.wasm","types":{"A":{}}}]}`, "nodes x.wasm: type A: 'A' cannot be the name of a node type"},
		{`{"families":[{"file":"x.wasm","types":{"a":{"as":"trigger"}}}]}`, "nodes x.wasm: type a: 'trigger' is the name of a built-in node type"},
		{`{"families":[{"file":"x.wasm","types":{"switch":{}}}]}`, "nodes x.wasm: type switch: the name is that of a built-in node type; give it another name: type switch { as <name> }"},
		{`{"families":[{"file":"x.wasm","types":{"a":{"as":"c"},"b":{"as":"c"}}}]}`, "nodes x.wasm: type b: the type a has the name 'c' as well"},
		{`{"families":[{"file":"x.wasm","memory":1048576,"types":{"a":{"memory":2097152}}}]}`, "nodes x.wasm: type a: memory is 2097152 bytes; a call of the module has at most 1048576"},
		{`{"families":[{"file":"x.wasm","types":{"a":{"memory":134217728}}}]}`, "nodes x.wasm: type a: memory is 134217728 bytes; a call of the module has at most 67108864"},
		{`{"families":[{"file":"x.wasm","types":{"a":{"fuel":-1}}}]}`, "nodes x.wasm: type a: fuel is -1"},
		{`{"families":[{"file":"x.wasm","types":{"a":{"allow":{"http_hosts":["a"]}}}}]}`, "nodes x.wasm: type a: allow: http_hosts without http"},
		{`{"families":[{"file":"x.wasm","memory":4294967296}],"limits":{"sandbox_memory":268435456}}`, "one call of a node may have 4294967296"},
		{`{"families":[{"file":"/does/not/exist.wasm"}]}`, "nodes /does/not/exist.wasm: opening the module"},
		{fmt.Sprintf(`{"families":[{"file":%q}]}`, file), "nodes " + file + ": " + file + ": capabilities: the node type \"read\" needs \"globals\": add `type read { allow globals }`"},
		{fmt.Sprintf(`{"families":[{"file":%q,"sha256":%q}]}`, file, strings.Repeat("0", 64)), "is another file than the configured one"},
		{fmt.Sprintf(`{"families":[{"file":%q,"types":{"write":{}}}]}`, file), `describe: it offers no node type "write"; it offers count, length, read`},
		{fmt.Sprintf(`{"families":[{"file":%q,"types":{%s}},{"file":%[1]q,"types":{%[2]s}}]}`, file, read), "nodes " + file + ": the node type 'count' is also that of " + file + "; give it another name: type count { as <name> }"},
		{fmt.Sprintf(`{"families":[{"file":%q}]}`, taken), "nodes " + taken + ": the node type 'switch' is built in; give it another name: type switch { as <name> }"},
		{fmt.Sprintf(`{"families":[{"file":%q}]}`, trigger), "nodes " + trigger + ": a module cannot offer the node type 'trigger'; rename it in the module"},
		{fmt.Sprintf(`{"families":[{"file":%q,"types":{"trigger":{"as":"mine"}}}]}`, trigger), "nodes " + trigger + ": type trigger: a module cannot offer the node type 'trigger'; rename it in the module"},
		{fmt.Sprintf(`{"families":[{"file":%q,"types":{"length":{"as":"x"},%s}}],"nodes":{"x":{"file":"builtin:switch"}}}`, file, read), "nodes " + file + ": the node type 'x' is declared with node; give it another name: type length { as <name> }"},
		{fmt.Sprintf(`{"families":[{"file":%q,"types":{"length":{"as":"count"},%s}}]}`, file, read), "nodes " + file + ": the node type 'count' is also that of another type of the module; give it another name: type length { as <name> }"},
		{fmt.Sprintf(`{"families":[{"file":%q,"types":{"count":{"as":"length"},%s}}]}`, file, read), "nodes " + file + ": the node type 'length' is also that of another type of the module; give it another name: type count { as <name> }"},
		{fmt.Sprintf(`{"families":[{"file":%q,"types":{%s}},{"file":%[1]q,"types":{"length":{"as":"count"},"read":{"as":"other","allow":{"globals":true}}}}]}`, file, read), "the node type 'count' is also that of " + file},
		{fmt.Sprintf(`{"families":[{"file":%q}]}`, odd), "nodes " + odd + ": node type odd: "},
		{fmt.Sprintf(`{"families":[{"file":%q,"types":{%s}}],"nodes":{"length":{"file":"builtin:switch"}}}`, file, read), "the node type 'length' is declared with node; give it another name"},
		{fmt.Sprintf(`{"families":[{"file":%q,"types":{%s}},{"file":"/does/not/exist.wasm"}]}`, file, read), "nodes /does/not/exist.wasm: opening"},
		{fmt.Sprintf(`{"families":[{"file":%q,"types":{%s}}],"nodes":{"a":{"file":"/does/not/exist.wasm"}}}`, file, read), "node a: opening"},
		{fmt.Sprintf(`{"nodes":{"count":{"file":%q}}}`, file), "node count: " + file + ": describe: it offers 3 node types (count, length, read); declare them with `nodes`"},
	} {
		err := validate(t, c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.config, err, c.want)
		}
		checkReferences(t, 0)
	}
}
