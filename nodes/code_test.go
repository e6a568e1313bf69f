package nodes_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// prepareCode returns the node code with a source.
func prepareCode(t testing.TB, source string) *sandbox.Prepared {
	t.Helper()
	dir, err := compiled.Dir()
	if err != nil {
		t.Fatal(err)
	}
	host, err := sandbox.New(sandbox.Options{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	file, code, ok := nodes.Find("code")
	if !ok {
		t.Fatal("there is no node code")
	}
	m, err := host.Load(t.Context(), sandbox.ModuleConfig{Type: "code", Source: "built in", Wasm: file.Wasm, Grants: hostapi.GrantsOf(code.Capabilities...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	fixed, err := json.Marshal(map[string]string{"source": source})
	if err != nil {
		t.Fatal(err)
	}
	return m.NewPrepared(fixed)
}

// FuzzCodeReadsInput compares how the node reads JSON with how the engine does.
func FuzzCodeReadsInput(f *testing.F) {
	p := prepareCode(f, `
		const same = (a, b) => {
			if (typeof a !== "object" || a === null) return Object.is(a, b);
			if (Array.isArray(a) !== Array.isArray(b) || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
			const keys = Reflect.ownKeys(a), other = Reflect.ownKeys(b);
			return keys.length === other.length && keys.every((key, i) => {
				const x = Object.getOwnPropertyDescriptor(a, key), y = Object.getOwnPropertyDescriptor(b, key);
				return key === other[i] && x.writable === y.writable && x.enumerable === y.enumerable && x.configurable === y.configurable && same(x.value, y.value);
			});
		};
		const read = JSON.parse(input.text);
		return same(input.value, read) && same(item, read) ? "same" : [input.value, read];`)
	for _, seed := range []string{
		`null`, `true`, `false`, `""`, `[]`, `{}`, `[[]]`, `[{}]`, `{"a":[]}`, ` [ 1 , { "a" : 2 , "b" : [ ] } ] `, "\t{\r\n}",
		`0`, `-0`, `-0.0`, `1`, `-1`, `999999999`, `1000000000`, `-999999999`, `2147483647`, `-2147483648`, `4294967296`, `9007199254740993`,
		`0.1`, `-0.1`, `1.5`, `123456789012345`, `1234567890123456`, `0.000001`, `1e5`, `1E+5`, `1e-7`, `1e22`, `1e23`, `-1.25e2`, `1e400`, `-1e-400`,
		`5e-324`, `1.7976931348623157e308`, `123456789012345e22`, `0.3e-22`, `1e99999999999`, `0e0`, `0.1e1`, `100e-2`, `12345678901234567890`,
		`"plain"`, `"ä"`, `"日本"`, `"😀"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\n\t\"\\\/\b\f\r"`, `"\u0000"`, `"\u00e4 and ä"`, `"1234567\\"`, `"12345678"`, `"1234567"`,
		`{"a":1,"b":2,"a":3}`, `{"__proto__":1}`, `{"__proto__":{"x":1}}`, `{"constructor":1,"toString":2}`, `{"":1}`, `{"0":1,"10":2,"b":3,"1":4}`,
		`{"4294967295":1,"01":2,"-1":3,"1.5":4}`, `{"ä":1,"\u00e4":2,"\u00c3\u00a4":3}`, `{"a\nb":1,"input":2}`, `{"日本":{"日本":1}}`, `{"\ud83d":1}`,
		`[[1,2],[3,[4,[5,{"a":[6]}]]]]`, `[1,"a",null,true,{"b":[]},1.5,[]]`, strings.Repeat(`[`, 500) + strings.Repeat(`]`, 500),
		strings.Repeat(`{"a":[`, 200) + `1` + strings.Repeat(`]}`, 200), `[` + strings.Repeat(`1,`, 200) + `[` + strings.Repeat(`"x",`, 200) + `2],3]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		const depth = 505 // within the input, which may be 512 deep
		if len(value) > 1<<16 || rawjson.Check([]byte(value), depth) != nil {
			return
		}
		input := `{"item":` + value + `,"input":{"value":` + value + `,"text":` + string(rawjson.AppendQuoted(nil, []byte(value))) + `}}`
		r, err := p.Call(t.Context(), new(hostapi.Session), []byte(input), nil)
		if err != nil || r.Kind != abi.Output || string(r.Output) != `"same"` {
			t.Errorf("%.300s is read as %.300s (%v)", value, r.Output, err)
		}
	})
}

// The node leaves to the engine what it does not read itself.
func TestCodeLeavesInputToTheEngine(t *testing.T) {
	p := prepareCode(t, `let n = 0; for (let v = input; typeof v === "object"; v = v[0]) n++; return [n, trigger, item]`)
	deep := strings.Repeat(`[`, 1000) + `1` + strings.Repeat(`]`, 1000)
	for input, want := range map[string]string{
		`{"trigger":2,"input":` + deep + `,"item":3}`:     `[1000,2,3]`,
		` { "input" : [ 1 ] , "item" : null , "x" : 5 } `: `[1,{},null]`,
		`{}`:                 `[0,{},null]`,
		`{"input":[1,}}`:     `code_error SyntaxError: unexpected token: '}'`,
		`{"input":01}`:       `code_error SyntaxError: Unexpected number`,
		`{"input":tru}`:      `code_error SyntaxError: unexpected token: 'tru'`,
		"{\"input\":\"\n\"}": `code_error SyntaxError: Bad control character in string literal`,
		`{"input":1`:         `code_error SyntaxError: Expected ',' or '}' after property value`,
		`{"input":"a`:        `code_error SyntaxError: Unexpected end`,
		`{"input":1}2`:       `code_error SyntaxError: unexpected`,
	} {
		r, err := p.Call(t.Context(), new(hostapi.Session), []byte(input), nil)
		if err != nil || !strings.HasPrefix(strings.TrimSpace(r.Label+" "+string(r.Output)), want) {
			t.Errorf("%.60q: %s %s %v, want %s", input, r.Label, r.Output, err, want)
		}
	}
}
