package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// family is a module that describes itself with list. Its types return the digit of their index.
func family(list string) guest {
	g := guest{memory: []byte{0, 1}, data: "0123456789" + list}
	g.funcs = []function{
		alloc(i32c(bufAt)),
		{abi.ExportRunType, types(tI32, tI32, tI32), types(tI64), nil, code(
			// uint64(dataAt+type)<<32 | 1
			local(0), i32c(dataAt), add, []byte{0xad}, i64c(32), []byte{0x86}, i64c(1), []byte{0x84},
		)},
		describe(returnPacked(abi.Output, dataAt+10, uint32(len(list)))),
	}
	return g
}

// typed returns a manifest; more is appended to it.
func typed(name, more string) string {
	return fmt.Sprintf(`{"abi":1,"type":%q,"version":"1.0.0"%s}`, name, more)
}

func manifestList(manifests ...string) string { return "[" + strings.Join(manifests, ",") + "]" }

// without returns the guest without one of its functions.
func (g guest) without(name string) guest {
	g.funcs = slices.DeleteFunc(slices.Clone(g.funcs), func(f function) bool { return f.name == name })
	return g
}

func TestLoadFamilyRejects(t *testing.T) {
	two := manifestList(typed("a", ""), typed("b", ""))
	many := make([]string, 33)
	for i := range many {
		many[i] = typed(fmt.Sprintf("t%d", i), "")
	}
	runOf := func(params ...byte) function {
		return function{abi.ExportRunType, params, types(tI64), nil, i64c(0)}
	}
	prepareOf := func(params ...byte) function {
		return function{abi.ExportPrepareType, params, types(tI64), nil, i64c(0)}
	}
	single := func(g guest) guest {
		return g.without(abi.ExportRunType).with(run(returnPacked(abi.Output, dataAt, 1)))
	}
	http := func(g guest) guest {
		return g.importing(abi.HostModule, "http", types(tI32, tI32), types(tI32))
	}
	name := func(n string) string {
		return fmt.Sprintf("describe: manifest 2 of 2: %q cannot be the name of a node type: it takes 1 to 64 lower-case letters, digits and hyphens, a letter first", n)
	}
	long := strings.Repeat("x", 65)

	for what, c := range map[string]struct {
		wasm []byte
		want string
	}{
		"an empty list":               {family("[]").bytes(), "describe: it offers no node type"},
		"33 types":                    {family(manifestList(many...)).bytes(), "describe: it offers 33 node types; a file can offer 32"},
		"a list in the list":          {family(manifestList(typed("a", ""), "[]")).bytes(), "describe: manifest 2 of 2 is invalid: [] is not an object"},
		"a list around the list":      {family(manifestList(two)).bytes(), "describe: manifest 1 of 1 is invalid: ..."},
		"null in the list":            {family("[null]").bytes(), "describe: manifest 1 of 1 is invalid: null is not an object"},
		"a number in the list":        {family("[1]").bytes(), "describe: manifest 1 of 1 is invalid: 1 is not an object"},
		"a type twice":                {family(manifestList(typed("a", ""), typed("b", ""), typed("a", ""))).bytes(), `describe: it offers the node type "a" twice; rename one of them in the module`},
		"a type without a name":       {family(manifestList(typed("a", ""), `{"abi":1}`)).bytes(), name("")},
		"an empty name":               {family(manifestList(typed("a", ""), typed("", ""))).bytes(), name("")},
		"a name of 65 letters":        {family(manifestList(typed("a", ""), typed(long, ""))).bytes(), name(long)},
		"a name with a space":         {family(manifestList(typed("a", ""), typed("a b", ""))).bytes(), name("a b")},
		"a name in capitals":          {family(manifestList(typed("a", ""), typed("B", ""))).bytes(), name("B")},
		"a name that is none":         {family(manifestList(typed("a", ""), `{"abi":1,"type":7}`)).bytes(), "describe: manifest 2 of 2 is invalid: json: ..."},
		"another ABI":                 {family(manifestList(typed("a", ""), `{"abi":2,"type":"b"}`)).bytes(), `describe: node type "b": it speaks version 2 of the node ABI, this is version 1`},
		"an unknown capability":       {family(manifestList(typed("a", ""), typed("b", `,"optional":["files"]`))).bytes(), `capabilities: node type "b": "files" is unknown; known are http, log, clock, random, globals`},
		"a list without run_type":     {single(family(two)).bytes(), "exports: no function run_type(i32, i32, i32) -> i64, which a list of node types (a, b) needs"},
		"one type, no run_type":       {single(family(manifestList(typed("a", "")))).bytes(), "exports: no function run_type(i32, i32, i32) -> i64, which a list of node types (a) needs"},
		"an object without run":       {family(typed("a", "")).bytes(), "exports: no function run(i32, i32) -> i64: only a list of node types is run by run_type"},
		"neither run nor run_type":    {family(two).without(abi.ExportRunType).bytes(), "exports: no function run(i32, i32) -> i64; a node exports memory, alloc and run"},
		"run_type of another":         {family(two).without(abi.ExportRunType).with(runOf(tI32, tI32)).bytes(), "exports: run_type is (i32, i32) -> i64; it must be (i32, i32, i32) -> i64"},
		"prepare_type of another":     {family(two).with(prepareOf(tI32, tI32)).bytes(), "exports: prepare_type is (i32, i32) -> i64; it must be (i32, i32, i32) -> i64"},
		"fixed, no prepare_type":      {family(manifestList(typed("a", ""), typed("b", `,"fixed":["k"]`))).bytes(), `exports: no function prepare_type(i32, i32, i32) -> i64, which the fixed keys of the node type "b" need`},
		"fixed, and only prepare":     {family(manifestList(typed("a", `,"fixed":["k"]`))).with(function{abi.ExportPrepare, types(tI32, tI32), types(tI64), nil, i64c(0)}).bytes(), `exports: no function prepare_type(i32, i32, i32) -> i64, which the fixed keys of the node type "a" need`},
		"no describe":                 {says(abi.Output, "1").bytes(), "describe: it does not describe its node types"},
		"an import nobody asks for":   {http(family(two)).bytes(), "imports: flowtrux_v1.http needs the capability http, for which none of its manifests asks"},
		"a needed one is not granted": {http(family(manifestList(typed("a", ""), typed("b", `,"capabilities":["http"]`)))).bytes(), "capabilities: the node type \"b\" needs \"http\": add `type b { allow http }` to its `nodes`"},
		"an error":                    {family(two).without("describe").with(describe(returnPacked(abi.Fatal, 0, 3))).bytes(), "describe: it returns an error: "},
	} {
		t.Run(what, func(t *testing.T) {
			h := newHost(t)
			h.trialTimeout = time.Second
			modules, err := h.LoadFamily(t.Context(), FamilyConfig{Source: "test.wasm", Wasm: c.wasm, Limits: small})
			if modules != nil {
				t.Error("got modules")
			}
			if what == "no describe" != errors.Is(err, ErrUndescribed) {
				t.Errorf("%v is no reason for advice", err)
			}
			if _, ok := err.(*LoadError); !ok {
				t.Fatalf("error %T %v, want a *LoadError", err, err)
			}
			want, open := strings.CutSuffix("test.wasm: "+c.want, "...")
			if got := err.Error(); got != want && !(open && strings.HasPrefix(got, want)) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// The settings of a family must be those of types that it offers, and within the file's memory.
func TestLoadFamilyRejectsItsSettings(t *testing.T) {
	wasm := family(manifestList(typed("a", ""), typed("b", ""))).bytes()
	for what, c := range map[string]struct {
		types []TypeConfig
		want  string
	}{
		"unknown type":           {[]TypeConfig{{Offered: "c"}}, `test.wasm: describe: it offers no node type "c"; it offers a, b`},
		"twice":                  {[]TypeConfig{{Offered: "a"}, {Offered: "a", Type: "other"}}, `test.wasm: describe: node type "a" is configured twice`},
		"more memory":            {[]TypeConfig{{Offered: "a", Limits: Limits{Memory: 2 << 20}}}, `test.wasm: memory: 2097152 bytes for the node type "a" are over the 1048576 of the file`},
		"less than it begins as": {[]TypeConfig{{Offered: "a", Limits: Limits{Memory: 1000}}}, `test.wasm: memory: it begins with 65536 bytes, the limit of the node type "a" is 0`},
	} {
		if _, err := newHost(t).LoadFamily(t.Context(), FamilyConfig{Source: "test.wasm", Wasm: wasm, Limits: small, Types: c.types}); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", what, err, c.want)
		}
	}
}

// A file with several node types cannot be one of them, unless it is said which.
func TestLoadOfAFamily(t *testing.T) {
	h := newHost(t)
	c := ModuleConfig{Type: "mine", Source: "test.wasm", Wasm: family(manifestList(typed("a", ""), typed("b", `,"handles":["x"]`))).bytes(), Limits: small}
	if _, err := h.Load(t.Context(), c); !errors.Is(err, ErrSeveralTypes) || err.Error() != "test.wasm: describe: it offers 2 node types (a, b)" {
		t.Error(err)
	}
	c.Offered = "c"
	if _, err := h.Load(t.Context(), c); err == nil || err.Error() != `test.wasm: describe: it offers no node type "c"; it offers a, b` {
		t.Error(err)
	}
	c.Offered = "b"
	m, err := h.Load(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(t.Context())
	if r, err := m.Call(t.Context(), new(hostapi.Session), []byte(`{}`), nil); err != nil || string(r.Output) != "1" {
		t.Errorf("%s, %v", r.Output, err)
	}
	if m.Type() != "mine" || string(m.Manifest()) != typed("b", `,"handles":["x"]`) {
		t.Errorf("%s %s", m.Type(), m.Manifest())
	}
	c.Wasm, c.Offered = family(manifestList(typed("a", ""))).bytes(), ""
	one, err := h.Load(t.Context(), c) // a list of one is one
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// The modules of a file are released together, with the last of them.
func TestFamilyIsReleasedOnce(t *testing.T) {
	h := newHost(t)
	modules, err := h.LoadFamily(t.Context(), FamilyConfig{Source: "test.wasm", Wasm: family(manifestList(typed("a", ""), typed("b", ""), typed("c", ""))).bytes(), Limits: small})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range modules {
		for left := i; left < len(modules); left++ {
			if r, err := modules[left].Call(t.Context(), new(hostapi.Session), nil, nil); err != nil || string(r.Output) != fmt.Sprint(left) {
				t.Errorf("with %d closed, type %d: %s, %v", i, left, r.Output, err)
			}
		}
		if used := h.options.Budget.used.Load(); used == 0 || len(h.code) != 1 {
			t.Errorf("with %d closed, %d bytes and %d modules", i, used, len(h.code))
		}
		for range 2 { // the second does nothing
			if err := m.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		_, err := m.Call(t.Context(), new(hostapi.Session), nil, nil)
		fails(t, err, CodeInternal)
	}
	if used := h.options.Budget.used.Load(); used != 0 || len(h.code) != 0 {
		t.Errorf("at the end, %d bytes and %d modules", used, len(h.code))
	}
}

// A type may have the memory of its file, also where that is no number of whole pages, or more than
// a file can have.
func TestLoadFamilyRoundsMemory(t *testing.T) {
	wasm := family(manifestList(typed("a", ""), typed("b", ""))).bytes()
	for memory, want := range map[uint64]uint64{100_000: wasmPage, 4 << 30: maxMemory} {
		limits := small
		limits.Memory = memory
		modules, err := newHost(t).LoadFamily(t.Context(), FamilyConfig{
			Source: "test.wasm", Wasm: wasm, Limits: limits, Types: []TypeConfig{{Offered: "a", Limits: Limits{Memory: memory}}},
		})
		if err != nil {
			t.Error(err)
		}
		for _, m := range modules {
			if got := m.Limits().Memory; got != want {
				t.Errorf("%s has %d bytes, want %d", m.Type(), got, want)
			}
			if err := m.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}
