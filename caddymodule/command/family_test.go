package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowtrux/edge/internal/wasmbuild"
)

// familyModule returns the file of a module with the node types count, length and read. Its cases
// are beside it.
func familyModule(t *testing.T) (dir, module string) {
	t.Helper()
	dataHome(t)
	wasm, err := wasmbuild.C(t.Context(), "../../nodes/sdk/languages/testdata/family.c", "-Wl,--stack-first")
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("../../nodes/sdk/languages/testdata/family.json")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "testdata"), 0o700); err != nil {
		t.Fatal(err)
	}
	module = filepath.Join(dir, "family.wasm")
	for file, b := range map[string][]byte{module: wasm, filepath.Join(dir, "testdata", "cases.json"): list} {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, module
}

func TestNodeTestOfAFamily(t *testing.T) {
	dir, module := familyModule(t)
	out, errOut, err := try(t, "", "node", "test", module)
	for _, want := range []string{"family.wasm: 6 cases, 21 rules, 0 failed", "length: an empty one", "read: it accepts a long config"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("no %q: %v\n%s%s", want, err, out, errOut)
		}
	}
	file := filepath.Join(dir, "testdata", "cases.json")
	for _, c := range []struct{ list, want string }{
		{`[{"name":"a","config":{},"output":1}]`, `case 1 ("a") names no type; the module has count, length, read`},
		{`[{"type":"none","name":"a","config":{},"output":1}]`, `case 1 ("a") is for the type "none"; the module has count, length, read`},
		{`[{"type":"count","name":"an odd one","config":{},"output":"2"}]`, ""},
	} {
		if err := os.WriteFile(file, []byte(c.list), 0o600); err != nil {
			t.Fatal(err)
		}
		out, errOut, err := try(t, "", "node", "test", module)
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.list, err)
		}
		if c.want == "" && (err == nil || !strings.Contains(errOut, "count: an odd one\n  output: ") || !strings.Contains(out, "1 failed")) {
			t.Errorf("%s: %v\n%s%s", c.list, err, out, errOut)
		}
	}
	out, _, err = try(t, "", "node", "test", "--json", module)
	var got tested
	if jsonErr := json.Unmarshal([]byte(out), &got); err == nil || jsonErr != nil || got.Passed || len(got.Cases) != 1 || got.Cases[0].Type != "count" || len(got.Rules) != 21 || got.Rules[7].Type != "length" {
		t.Errorf("%v, %v\n%s", err, jsonErr, out)
	}
}

func TestNodeInspectOfAFamily(t *testing.T) {
	_, module := familyModule(t)
	out, errOut, err := try(t, "", "node", "inspect", module)
	for _, want := range []string{
		"node          count 1.0.0\n", "node          length 1.0.0\n", "handles       some, none\n", "capabilities  globals\n", "result: the error bad_config",
		"export  run_type                (i32, i32, i32) -> i64", "reused; restored from a snapshot after each call",
	} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("no %q: %v\n%s%s", want, err, out, errOut)
		}
	}
	var all struct {
		Type  string
		Types []InspectedType
	}
	out, _, err = try(t, "", "node", "inspect", module, "--json")
	if jsonErr := json.Unmarshal([]byte(out), &all); err != nil || jsonErr != nil || all.Type != "" || len(all.Types) != 3 || all.Types[1].Type != "length" || all.Types[0].Call.Gives != "an output" {
		t.Errorf("%v, %v\n%s", err, jsonErr, out)
	}
	out, errOut, err = try(t, `{"text":"four"}`, "node", "inspect", module, "--type", "length", "--config", "-")
	if err != nil || !strings.Contains(out, "node          length 1.0.0\n") || strings.Contains(out, "count 1.0.0") || !strings.Contains(out, "result: the handle some") {
		t.Errorf("%v\n%s%s", err, out, errOut)
	}
	for want, args := range map[string][]string{
		`--type: the module has no node type "write"; it has count, length, read`: {"--type", "write"},
		"--config needs --type: the module has count, length, read":               {"--config", "-"},
	} {
		if _, _, err := try(t, `{}`, append([]string{"node", "inspect", module}, args...)...); err == nil || err.Error() != want {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}

// Commands that run workflows take all node types of a file, or one of them by another name.
func TestNodesOfAFamily(t *testing.T) {
	_, module := familyModule(t)
	workflow := func(typ string) string {
		return write(t, "w.json", `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"manual","data":{"text":"four"}}},
			{"id":"a","type":"`+typ+`","config":{"text":"{{trigger.data.text}}"}}],"edges":[{"source":"trigger","target":"a"}]}`)
	}
	for _, c := range []struct {
		typ  string
		args []string
	}{{"length", []string{"--nodes", module}}, {"size", []string{"--node", "size=" + module + ":length"}}} {
		out, errOut, err := try(t, "", append([]string{"run", workflow(c.typ)}, c.args...)...)
		if err != nil || !strings.Contains(out, "\n4\n") {
			t.Errorf("%v: %v\n%s%s", c.args, err, out, errOut)
		}
		if out, errOut, err := try(t, "", append([]string{"validate", workflow(c.typ)}, c.args...)...); err != nil {
			t.Errorf("%v: %v\n%s%s", c.args, err, out, errOut)
		}
	}
	offering := func(typ string) string {
		source := write(t, typ+".c", `#include "flowtrux.h"
			static ft_answer run(ft_text config) { (void)config; return ft_fatal("none", ""); }
			FT_NODE("{\"abi\":1,\"type\":\"`+typ+`\",\"version\":\"1\"}", run)`)
		wasm, err := wasmbuild.C(t.Context(), source, "-I../../nodes/sdk/languages/c")
		if err != nil {
			t.Fatal(err)
		}
		return write(t, typ+".wasm", string(wasm))
	}
	builtin, trigger := offering("switch"), offering("trigger")
	// What a module without a manifest has to export: memory, alloc and run.
	plain := write(t, "plain.wasm", "\x00asm\x01\x00\x00\x00"+
		"\x01\x0c\x02\x60\x01\x7f\x01\x7f\x60\x02\x7f\x7f\x01\x7e"+"\x03\x03\x02\x00\x01"+"\x05\x03\x01\x00\x01"+
		"\x07\x18\x03\x06memory\x02\x00\x05alloc\x00\x00\x03run\x00\x01"+"\x0a\x0b\x02\x04\x00\x41\x08\x0b\x04\x00\x42\x00\x0b")
	instead := func(file, typ string) string {
		return "; instead of --nodes, give each type of the file a name: --node <name>=" + file + ":" + typ
	}
	for want, args := range map[string][]string{
		"--node mine: " + module + ": describe: it offers 3 node types (count, length, read); take all with --nodes " + module + ", or one with --node mine=" + module + ":<its name in the file>": {"--node", "mine=" + module},
		"it does not describe its node types; take it with --node <type>=" + plain:                      {"--nodes", plain},
		`it offers no node type "write"`:                                                                {"--node", "mine=" + module + ":write"},
		`--nodes ` + module + `: the type "count" is also that of ` + module + instead(module, "count"): {"--nodes", module, "--nodes", module},
		`: the type "read" is also given with --node` + instead(module, "read"):                         {"--nodes", module, "--node", "read=" + module + ":read"},
		`: the type "switch" is built in` + instead(builtin, "switch"):                                  {"--nodes", builtin},
		`: a module cannot offer the node type "trigger"; rename it in the module`:                      {"--nodes", trigger},
		`--node mine: type: a module cannot offer the node type "trigger"; rename it in the module`:     {"--node", "mine=" + trigger},
		`--node "trigger": this type is built in; choose another name`:                                  {"--node", "trigger=" + plain},
		`--node "Bad": this cannot be the name of a node type: it takes 1 to 64 lower-case letters`:     {"--node", "Bad=" + plain},
		"no such file": {"--nodes", "/missing.wasm"},
	} {
		if _, _, err := try(t, "", append([]string{"validate", workflow("length")}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}
