package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/flowtrux/edge/runtime/flow"
)

// TestModulesAreValid checks that a compiler could accept the modules. An invalid module would be
// rejected at once, and its attack would show nothing.
func TestModulesAreValid(t *testing.T) {
	// The interpreter validates modules as the compiler does, and handles their size well.
	host := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	defer host.Close(t.Context())
	check := func(name string, wasm []byte) {
		if len(wasm) > 192<<10 {
			t.Errorf("%s has %d bytes, which is not small", name, len(wasm))
		}
		if _, err := host.CompileModule(t.Context(), wasm); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	check("deep", deep())
	for _, b := range bombs() {
		check(b.name, b.module.Bytes())
	}
	for _, c := range calls {
		check(fmt.Sprint(c), c.module())
	}
}

// nodeTypes holds node types by name, from their manifests alone. It prepares nothing.
type nodeTypes map[string]*flow.Type

func (n nodeTypes) Type(name string) (*flow.Type, error) {
	if typ := n[name]; typ != nil {
		return typ, nil
	}
	return nil, flow.ErrNoType
}

func (n nodeTypes) Names() []string { return slices.Sorted(maps.Keys(n)) }

func (n nodeTypes) Prepare(string, []byte) ([]string, uint64, error) { return nil, 0, nil }

// TestDocuments checks that the documents are valid, except for those that are meant to be invalid.
func TestDocuments(t *testing.T) {
	read := func(file string) string {
		b, err := os.ReadFile("../../nodes/" + file)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	types := nodeTypes{}
	for name, manifest := range map[string]string{
		"code":         read("code/manifest.json"),
		"transform":    read("builtin/transform/manifest.json"),
		"http-request": read("builtin/http-request/manifest.json"),
		"deep":         `{"abi":1,"type":"deep","version":"1"}`,
	} {
		typ, err := flow.ParseType([]byte(manifest))
		if err != nil {
			t.Fatal(err)
		}
		types[name] = typ
	}
	minimal := object{"responseMode": "minimal"}
	for name, document := range map[string]string{
		"one": one(nil), "accepting": accepting(), "keyed": keyed("{{trigger.data}}"), "calling": calling(minimal, "127.0.0.1:9"),
		"calling, keyed": calling(object{"idempotency": object{"header": keyHeader}}, "127.0.0.1:9"),
		"plainCode":      plainCode(), "slowNodes": slowNodes(), "hungryItems": hungryItems(), "largeImages": largeImages(1),
		"recursing": recursing(), "impatient": impatient("deep"),
		"eachItem": eachItem(), "reading": reading(time.Second, strings.Repeat("{{trigger.data.last}}", 1000)), "heavyItems": heavyItems(),
	} {
		plan, err := flow.Compile("w", 1, []byte(document), types, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if len(plan.Warnings) > 0 {
			t.Errorf("%s: %v", name, plan.Warnings)
		}
	}
	for name, document := range misplaced() {
		if _, err := flow.Compile("w", 1, []byte(document), types, nil); err == nil || !strings.Contains(document, "hush-") {
			t.Errorf("%s is valid, or has no secret", name)
		}
	}
}

// TestFigures compares figures with their bounds, and checks that the columns are aligned.
func TestFigures(t *testing.T) {
	s := &scene{}
	s.seconds(strings.Repeat("a long sentence ", 20), 1500*time.Millisecond, time.Second)
	s.atMost("memory", 501, 500, " MiB")
	s.share("requests", 98, 100)
	s.is("keys", "200", "200, replayed true", false)
	if s.held() || (&scene{}).held() {
		t.Error("an exceeded bound, or no figure at all, counts as held")
	}
	s.seconds("time", time.Second, time.Second)
	s.atMost("more memory", 12.5, 500, " MiB")
	s.share("more requests", 99, 100)
	s.is("more keys", "200, replayed true", "200, replayed true", true)
	var out strings.Builder
	s.print(&out)
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	column := strings.Index(lines[0], "a long")
	for i, f := range s.figures {
		if at := strings.Index(lines[i], f.what); at != column {
			t.Errorf("%q: its last column begins at %d, that of the first line at %d", lines[i], at, column)
		}
		if broken := strings.HasPrefix(lines[i], "  BROKEN"); broken != (i < 4) {
			t.Errorf("%q: broken %t", lines[i], broken)
		}
	}
}
