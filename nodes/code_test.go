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

// loadCode loads the node code. The result prepares it with a source.
func loadCode(t testing.TB, l sandbox.Limits) func(source string) *sandbox.Prepared {
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
	m, err := host.Load(t.Context(), sandbox.ModuleConfig{Type: "code", Source: "built in", Wasm: file.Wasm, Grants: hostapi.GrantsOf(code.Capabilities...), Limits: l})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return func(source string) *sandbox.Prepared {
		fixed, err := json.Marshal(map[string]string{"source": source})
		if err != nil {
			t.Fatal(err)
		}
		return m.NewPrepared(fixed)
	}
}

// FuzzCodeInputAndOutput compares how the node reads and writes JSON with how the engine does.
func FuzzCodeInputAndOutput(f *testing.F) {
	p := loadCode(f, sandbox.Limits{})(`
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
		return same(input.value, read) && same(item, read) ? [input.value, JSON.stringify(read)] : "different";`)
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
		if err != nil || r.Kind != abi.Output {
			t.Fatalf("%.300s: %.300s (%v)", value, r.Output, err)
		}
		var pair []string
		rawjson.Elements(r.Output, func(v []byte) bool {
			pair = append(pair, string(v))
			return true
		})
		if len(pair) != 2 || string(rawjson.Exact([]byte(pair[1]))) != pair[0] {
			t.Errorf("%.300s becomes %.300s", value, r.Output)
		}
	})
}

// values are expressions whose JSON the node writes as the engine does.
var values = []string{
	`undefined`, `null`, `() => 1`, `Symbol("a")`, `NaN`, `-Infinity`, `-0`, `1e21`, `1.5e-7`, `2147483647`, `-2147483648`, `4294967296`, `0.1 + 0.2`,
	`"a".repeat(3) + "ü" + "b".repeat(100)`, `"\ud800"`, `"x\udfffy"`, `"\ud83d\ude00"`, `"\u0000\u001f\u007f\u2028 \"\\/"`, `"1234567\n1234567\t"`,
	`["\b\f\n\r\t\v", "\x00".repeat(5000), "日本語".repeat(3000)]`, `"x".repeat(100000)`, `Array.from({length: 5000}, (_, i) => ({i, s: "s" + i}))`,
	`[undefined, () => 1, Symbol("a"), NaN, , 5]`, `({a: undefined, b() {}, c: Symbol("c"), d: NaN, e: {f: undefined}})`, `[[], {}, [[]], [{}], {a: []}]`,
	`new Date(0)`, `[new Date(0), {at: new Date(0)}, new Date(NaN)]`, `[new String("a"), new Number(1), new Boolean(false), Object(Symbol("a"))]`,
	`({map: new Map([[1, 2]]), set: new Set([1]), re: /a/, e: new Error("x"), buffer: new ArrayBuffer(2), bytes: new Uint8Array([1, 2])})`,
	`JSON.rawJSON?.("1.00") ?? 1`, `[Object.create(null), Object.create({inherited: 1})]`, `Object.defineProperty({a: 1}, "hidden", {value: 1})`,
	`({[Symbol("a")]: 1, "ü": 1, "\ud800": 2, "a\nb": 3, 10: 4, 9: 5, "": 6, __proto__: null})`, `Object.assign([1, 2], {x: 1})`, `new Array(3)`,
	`new Proxy({a: 1, b: [2]}, {})`, `[new Proxy([1, 2], {}), new Proxy(() => 1, {})]`, `new Proxy({a: 1}, {ownKeys: () => ["z", "a"], getOwnPropertyDescriptor: () => ({enumerable: true, configurable: true}), get: (_, k) => k})`,
	`new (class A { x = 1; #y = 2; get z() { return 3 } })`, `({get a() { log.push("a"); return 1 }, b: 2, get c() { log.push("c"); return {d: 1} }})`,
	`({toJSON(key) { log.push(key); return {key} }})`, `[{toJSON: (key) => typeof key + key}, {x: {toJSON: (key) => typeof key + key}}]`,
	`({x: {toJSON() {}}, y: {toJSON: 5, a: 1}, z: [{toJSON() {}}]})`, `({x: {toJSON: () => new Date(0)}, y: {toJSON: () => ({toJSON: () => 1, b: 1})}})`,
	`({x: {get toJSON() { log.push("get"); return () => 1 }}, y: {get toJSON() { log.push("get"); }}})`, `(Array.prototype.toJSON = function () { return this.length }, [1, {a: [2]}])`,
	`(Object.prototype.toJSON = function (key) { return key + "!" }, {a: 1})`, `(Object.prototype.toJSON = function (key) { return key ? key + "!" : [this.a] }, {a: {b: 1}})`,
	`(String.prototype.toJSON = () => "no", Number.prototype.toJSON = () => "no", ["a", 1])`, `(BigInt.prototype.toJSON = function (key) { return key + this }, [1n, {big: 2n}, 3n])`,
	`Object.assign(() => 1, {toJSON: (key) => "f" + key})`, `({f: Object.assign(() => 1, {toJSON: (key) => "f" + key})})`, `({a: 1, get b() { delete this.c; return 2 }, c: 3})`,
	`({get a() { this.z = 1; return [2] }, b: 3})`, `(() => { const a = [1, 2, 3]; return [{get x() { a.length = 1; return 0 }}, a] })()`,
	`(() => { const a = {}; return [a, a, {a}] })()`, `Array(400).fill().reduce((v) => ({v}), 1)`, `new Array(2000).fill().map((_, i) => -i)`,
	`Object.fromEntries(Array.from({length: 2000}, (_, i) => ["key" + i, i % 7 ? i : {i}]))`,
	// which are errors
	`1n`, `({a: 1n})`, `[[1n]]`, `(() => { const a = {}; a.a = a; return a })()`, `(() => { const a = []; a.push({a}); return a })()`,
	`(() => { const a = {}; a.b = {toJSON: () => [a]}; return a })()`, `(() => { const m = new Map(); m.x = {m}; return [m] })()`,
	`({get a() { throw new Error("get") }})`, `({a: {toJSON() { throw new RangeError("toJSON") }}})`, `({a: {get toJSON() { throw null }}})`,
	`(() => { const {proxy, revoke} = Proxy.revocable({}, {}); revoke(); return {proxy} })()`,
}

func TestCodeWritesOutput(t *testing.T) {
	prepare := loadCode(t, sandbox.Limits{})
	run := func(source string) string {
		r, err := prepare(source).Call(t.Context(), new(hostapi.Session), []byte(`{}`), nil)
		if err != nil {
			t.Fatalf("%.200s: %v", source, err)
		}
		return strings.TrimSuffix(r.Label+string(r.Output), " (line 1)")
	}
	for _, v := range values {
		for _, result := range []string{`value`, `[value, log]`, `({value, log})`} {
			source := `const log = [], value = ` + v + `; `
			want := run(source + `return JSON.stringify(` + result + `) ?? "null"`)
			if strings.HasPrefix(want, `"`) {
				want = string(rawjson.Exact([]byte(want)))
			}
			if have := run(source + `return ` + result); have != want {
				t.Errorf("%s of %.200s is written as %.200s, not %.200s", result, v, have, want)
			}
		}
	}
}

// The node leaves to the engine what it does not read itself.
func TestCodeLeavesInputToTheEngine(t *testing.T) {
	p := loadCode(t, sandbox.Limits{})(`let n = 0; for (let v = input; typeof v === "object"; v = v[0]) n++; return [n, trigger, item]`)
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

// Wherever the memory ends, the error says so.
func TestCodeRunsOutOfMemory(t *testing.T) {
	prepare := loadCode(t, sandbox.Limits{Memory: 4 << 20})
	for source, element := range map[string]string{
		`input; return 1`:                       `{"a":1,"b":[1,2,"xyz"]},`,
		`return input.length > 0 ? 1 : 2`:       `1,1,1,1,1,1,`,
		`return [...input, ...input].length`:    `"abcdefgh",`,
		`return [input, input]`:                 `{"a":"bcdefghijklmnop"},`,
		`return input.map((v) => ({ [v]: v }))`: `"äöüß",`,
	} {
		p, seen := prepare(source), make(map[string]int)
		for n := range 60 {
			input := `{"input":[` + strings.Repeat(element, n*512) + `1]}`
			r, err := p.Call(t.Context(), new(hostapi.Session), []byte(input), nil)
			if err != nil {
				t.Fatal(err)
			}
			if seen[r.Label]++; r.Label != "" && r.Label != "memory" {
				t.Errorf("%s on %d bytes: %s %s", source, len(input), r.Label, r.Output)
			}
		}
		if seen[""] == 0 || seen["memory"] == 0 {
			t.Errorf("%s: %v", source, seen)
		}
	}
}
