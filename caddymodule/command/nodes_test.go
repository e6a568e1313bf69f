package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowtrux/edge/internal/wasmbuild"
)

// begin creates the directory of a node in C and compiles it, as its Makefile does.
func begin(t *testing.T) (dir, module string) {
	t.Helper()
	dataHome(t)
	dir = filepath.Join(t.TempDir(), "slugify")
	out, _, err := try(t, "", "node", "new", "c", dir)
	if err != nil || !strings.Contains(out, "\n  make\n  caddy flowtrux node test slugify.wasm\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	wasm, err := wasmbuild.C(t.Context(), filepath.Join(dir, "node.c"), "-Wall", "-Wextra", "-Werror", "-Wl,--stack-first")
	if err != nil {
		t.Fatal(err)
	}
	module = filepath.Join(dir, "slugify.wasm")
	if err := os.WriteFile(module, wasm, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, module
}

func TestNodeFromNothing(t *testing.T) {
	dir, module := begin(t)
	out, errOut, err := try(t, "", "node", "test", module)
	if err != nil || !strings.Contains(out, "slugify.wasm: 10 cases, 7 rules, 0 failed") {
		t.Errorf("%v\n%s%s", err, out, errOut)
	}
	out, errOut, err = try(t, `{"text": "A b"}`, "node", "inspect", module, "--config", "-")
	for _, want := range []string{
		"node          slugify 1.0.0: Turns a text into a URL slug.", "capabilities  nothing", "secrets       as text", "reused; restored from a snapshot after each call", "fuel, 128 KiB of memory; result: an output",
		"export  run       (i32, i32) -> i64",
	} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("no %q: %v\n%s%s", want, err, out, errOut)
		}
	}
	if _, _, err := try(t, "", "node", "new", "c", dir); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("over another: %v", err)
	}
}

func TestNodeTestShowsDifferences(t *testing.T) {
	dir, module := begin(t)
	if err := os.WriteFile(filepath.Join(dir, "testdata", "cases.json"), []byte(`[
		{"name": "good", "config": {"text": "a"}, "output": {"slug": "a"}},
		{"name": "other output", "config": {"text": "a"}, "output": {"slug": "b"}},
		{"name": "other error", "config": {}, "error": {"code": "empty_slug"}},
		{"name": "no error", "config": {"text": "a"}, "error": {"code": "empty_slug"}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, err := try(t, "", "node", "test", module)
	if err == nil || !strings.Contains(out, "4 cases, 7 rules, 3 failed") || strings.Contains(errOut, "\ngood") {
		t.Errorf("%v\n%s%s", err, out, errOut)
	}
	for _, want := range []string{
		"other output\n  output: slug: want \"b\", got \"a\"\n",
		"other error\n  error: want empty_slug: text must be a string (fatal: false), got bad_config: text must be a string (fatal: true)\n",
		"no error\n  error: want empty_slug: ",
	} {
		if !strings.Contains(errOut, want) {
			t.Errorf("no %q in %s", want, errOut)
		}
	}
	out, _, err = try(t, "", "node", "test", "--json", module, "--cases", filepath.Join(dir, "testdata"))
	var got tested
	if jsonErr := json.Unmarshal([]byte(out), &got); err == nil || jsonErr != nil || got.Passed || len(got.Cases) != 4 || !got.Cases[0].Passed || got.Cases[0].Fuel == 0 ||
		got.Cases[1].Passed || len(got.Cases[1].Differences) != 1 || len(got.Rules) != 7 {
		t.Errorf("%v, %v\n%s", err, jsonErr, out)
	}
}

func TestNodeInspectShowsWhyAModuleIsRejected(t *testing.T) {
	dataHome(t)
	source := write(t, "guest.c", `__attribute__((import_module("env"), import_name("open"))) int opens(int);
		__attribute__((export_name("alloc"))) int allocs(int n) { return opens(n); }`)
	wasm, err := wasmbuild.C(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "guest.wasm", string(wasm))
	out, _, err := try(t, "", "node", "inspect", file)
	if err == nil || !strings.Contains(out, "rejected      "+file+": exports: no function run(i32, i32) -> i64") || !strings.Contains(out, "import  env.open  (i32) -> i32  not offered") {
		t.Errorf("%v\n%s", err, out)
	}
	out, _, err = try(t, "", "node", "inspect", file, "--json")
	var got inspection
	if jsonErr := json.Unmarshal([]byte(out), &got); err == nil || jsonErr != nil || got.Refused == "" || got.Size != len(wasm) || len(got.Imports) != 1 || got.Imports[0].Offered {
		t.Errorf("%v, %v\n%s", err, jsonErr, out)
	}
}

func TestNodeErrors(t *testing.T) {
	dataHome(t)
	text := write(t, "x.wasm", "no module")
	for want, args := range map[string][]string{
		`unknown language "cobol"; available: go, c, rust, assemblyscript`: {"node", "new", "cobol", t.TempDir()},
		"--sdk is only for Go":               {"node", "new", "c", t.TempDir(), "--sdk", "."},
		"is not a checkout of FlowTrux Edge": {"node", "new", "go", t.TempDir(), "--sdk", t.TempDir()},
		"not a WebAssembly core module":      {"node", "inspect", text},
		"x.wasm: module: not a WebAssembly":  {"node", "test", text},
		"no such file":                       {"node", "test", "/missing.wasm"},
		"/missing.json: no such file":        {"node", "test", text, "--cases", "/missing.json"},
		"case 1 (\"\"): it has no name":      {"node", "test", text, "--cases", write(t, "cases.json", `[{}]`)},
		"--config: not JSON":                 {"node", "inspect", text, "--config", text},
	} {
		if _, errOut, err := try(t, "", args...); err == nil || !strings.Contains(errOut+err.Error(), want) {
			t.Errorf("%q: %v, want %s", args, err, want)
		}
	}
}

func TestNodeInGo(t *testing.T) {
	dir := t.TempDir()
	if out, _, err := try(t, "", "node", "new", "go", dir, "--sdk", "../.."); err != nil || strings.Contains(out, "go get") {
		t.Errorf("%v\n%s", err, out)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "go.mod")); err != nil || !strings.Contains(string(b), "replace github.com/flowtrux/edge => /") {
		t.Errorf("%s, %v", b, err)
	}
	if out, _, err := try(t, "", "node", "new", "go", t.TempDir()); err != nil || !strings.Contains(out, "\n  go get github.com/flowtrux/edge\n") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, _, err := try(t, "", "node", "new", "go", dir); err == nil || !strings.Contains(err.Error(), "go.mod already exists") {
		t.Error(err)
	}
}
