package flow

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// compileConfig compiles config for a node "n" that follows "rag-1", which follows the trigger "t".
func compileConfig(t testing.TB, config string) (*Plan, error) {
	doc := document(`{"id":"rag-1","type":"any"},{"id":"n","type":"any","config":`+config+`},{"id":"after","type":"any"}`,
		`{"source":"t","target":"rag-1"},{"source":"rag-1","target":"n"},{"source":"n","target":"after"}`)
	return Compile("w", 0, []byte(doc), builtins(t), nil)
}

// testScope returns a scope for the plans of compileConfig.
func testScope(t testing.TB, p *Plan) *Scope {
	t.Helper()
	ev, err := NewEvent([]byte(`{
		"n": 1.50, "big": 12345678901234567890.10, "s": "a\"b\u00e9\nc", "t": true, "f": false, "z": null, "empty": "",
		"list": [10, {"x": "y"}, [ ]], "obj": {"b": 1, "a": {"deep": [0, 1e3]}}, "any key": 1, "a  key": {"of mine": 9}, "a.b": 2, "é-_$@1": 3, "": 4, "\ud800": 6,
		"q\"]}}": 5, "_query": "from the body"
	}`), "source=shop&tag=a&tag=b", Event{
		Headers: []byte(`{"content-type":"application/json","x-a":"b"}`), Method: "POST", ClientIP: "192.0.2.7", ReceivedAt: received,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Scope{
		Plan: p, ExecutionID: "exec-01", Event: ev,
		Outputs: [][]byte{nil, []byte(`{"results":[{"text":"hit","score":0.90}]}`), nil, nil},
		Global: func(key string) ([]byte, bool) {
			v, ok := map[string]string{
				"api_url": `"https://api.example"`, "a.b": `{"c":[1,2]}`, "__secret_key": `"s3cr\"t"`,
				"__secret_all": `{"user":"me","keys":["k1",22,true,null,"k1",""]}`,
			}[key]
			return []byte(v), ok
		},
	}
}

func TestTemplateValues(t *testing.T) {
	data := `{"n":1.50,"big":12345678901234567890.10,"s":"a\"b\u00e9\nc","t":true,"f":false,"z":null,"empty":"",` +
		`"list":[10,{"x":"y"},[]],"obj":{"b":1,"a":{"deep":[0,1e3]}},"any key":1,"a  key":{"of mine":9},"a.b":2,"é-_$@1":3,"":4,"\ud800":6,"q\"]}}":5,` +
		`"_query":{"source":"shop","tag":["a","b"]}}`
	tests := []struct{ template, want string }{ // texts of JSON strings
		// A template alone keeps the type and the bytes.
		{`{{trigger.data.n}}`, `1.50`},
		{`{{trigger.data.big}}`, `12345678901234567890.10`},
		{`{{trigger.data.s}}`, `"a\"b\u00e9\nc"`},
		{`{{trigger.data.t}}`, `true`},
		{`{{trigger.data.z}}`, `null`},
		{`{{trigger.data.list}}`, `[10,{"x":"y"},[]]`},
		{`{{trigger.data.obj}}`, `{"b":1,"a":{"deep":[0,1e3]}}`},
		{`{{trigger.data}}`, data},
		{`{{steps.t.output}}`, data},
		{`{{steps.t.output._query.source}}`, `"shop"`},
		// A missing value is null.
		{`{{trigger.data.nope}}`, `null`},
		{`{{trigger.data.nope.deeper[3]}}`, `null`},
		{`{{trigger.data.n.deeper}}`, `null`},
		{`{{trigger.data.list[3]}}`, `null`},
		{`{{trigger.data.list.x}}`, `null`},
		{`{{trigger.data.obj[0]}}`, `null`},
		{`{{trigger.data.list["0"]}}`, `null`},
		{`{{global.nope}}`, `null`},
		// Within text.
		{`n={{trigger.data.n}}.`, `"n=1.50."`},
		{`{{trigger.data.s}}!`, `"a\"b\u00e9\nc!"`},
		{` {{trigger.data.n}}`, `" 1.50"`},
		{`{{trigger.data.n}}{{trigger.data.t}}`, `"1.50true"`},
		{`[{{trigger.data.z}}|{{trigger.data.nope}}|{{trigger.data.empty}}|{{trigger.data.f}}]`, `"[|||false]"`},
		{`{{trigger.data.list}} and {{trigger.data.obj}}`, `"[10,{\"x\":\"y\"},[]] and {\"b\":1,\"a\":{\"deep\":[0,1e3]}}"`},
		{`"{{trigger.data.n}}\`, `"\"1.50\\"`},
		{"tab\t{{trigger.data.n}}", `"tab\t1.50"`},
		// Paths.
		{"{{\t trigger . data \n.list [ 1 ] . x }}", `"y"`},
		{`{{trigger.data.obj.a.deep[1]}}`, `1e3`},
		{`{{trigger.data["any key"]}}`, `1`},
		{`{{trigger.data[ "a.b" ]}}`, `2`},
		{`{{trigger.data.any key}}`, `1`},
		{`{{ trigger.data . a  key .of mine }}`, `9`},
		{`{{trigger.data["\u0061.b"]}}`, `2`},
		{`{{trigger.data.é-_$@1}}`, `3`},
		{`{{trigger.data[""]}}`, `4`},
		{`{{trigger.data["q\"]}}"]}}`, `5`},
		{`{{trigger["data"]["n"]}}`, `1.50`},
		{`{{trigger.data["\ud800"]}}`, `6`}, // half of a surrogate pair counts by itself
		{`{{trigger.data["\ud801"]}}`, `null`},
		{`{{trigger.data["\ufffd"]}}`, `null`},
		// Roots.
		{`{{trigger.data._query}}`, `{"source":"shop","tag":["a","b"]}`},
		{`{{trigger.data["_query"].tag[1]}}`, `"b"`},
		{`{{trigger.headers.x-a}}`, `"b"`},
		{`{{trigger.headers["content-type"]}}`, `"application/json"`},
		{`{{trigger.method}}`, `"POST"`},
		{`from {{trigger.clientIp}}`, `"from 192.0.2.7"`},
		{`{{trigger.receivedAt}}`, `"2026-03-01T12:30:00.123Z"`},
		{`at {{trigger.receivedAt}}`, `"at 2026-03-01T12:30:00.123Z"`},
		{`{{steps.rag-1.output.results[0].score}}`, `0.90`},
		{`{{steps["rag-1"].output.results[0].text}}s`, `"hits"`},
		{`{{global.api_url}}/v1`, `"https://api.example/v1"`},
		{`{{global["a.b"].c[1]}}`, `2`},
		{`{{execution.id}}`, `"exec-01"`},
		{`{{workflow.id}}/{{workflow.name}}`, `"w/w"`},
		// Literal braces.
		{`\{{trigger.data.n}}`, `"{{trigger.data.n}}"`},
		{`\{{ {{trigger.data.n}} }}`, `"{{ 1.50 }}"`},
		{`\\{{x}}`, `"\\{{x}}"`},
		{`}} { {`, `"}} { {"`},
		{`\`, `"\\"`},
		{``, `""`},
	}
	for _, tt := range tests {
		t.Run(tt.template, func(t *testing.T) {
			p, err := compileConfig(t, `{"v":`+string(rawjson.AppendQuoted(nil, []byte(tt.template)))+`}`)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Nodes[2].Config.Append(nil, testScope(t, p), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if want := `{"v":` + tt.want + `}`; string(got) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if err := rawjson.Check(got, MaxDepth); err != nil {
				t.Errorf("not JSON: %v", err)
			}
		})
	}
}

func TestTemplateAnyDepth(t *testing.T) {
	p, err := compileConfig(t, `{ "a" : [ 1.0 , "{{trigger.data.n}}" , { "b" : [ "x{{trigger.data.n}}" , [ ] , { } ] , "{{k}}" : "\u0041" } ] }`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Nodes[2].Config.Append([]byte(">"), testScope(t, p), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if want := `>{"a":[1.0,1.50,{"b":["x1.50",[],{}],"{{k}}":"\u0041"}]}`; string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestConstantConfigIsOneSegment(t *testing.T) {
	p, err := compileConfig(t, `{"a":[1,"b",{"c":"\\{{literal}}"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.Nodes[2].Config.segments); n != 1 {
		t.Errorf("%d segments", n)
	}
	got, err := p.Nodes[2].Config.Append(nil, &Scope{}, 1<<20)
	if err != nil || string(got) != `{"a":[1,"b",{"c":"{{literal}}"}]}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestTemplateForEach(t *testing.T) {
	doc := oneNode(`"type":"any","forEach":"{{trigger.data.list}}","concurrency":3,"config":{"i":"{{index}}","v":"{{item.a}}","t":"#{{index}} {{item}}"}`)
	p, err := Compile("w", 0, []byte(doc), builtins(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := NewEvent([]byte(`{"list":[{"a":1.0},"x"]}`), "", Event{})
	if err != nil {
		t.Fatal(err)
	}
	n := p.Nodes[1]
	if n.Concurrency != 3 {
		t.Errorf("concurrency %d", n.Concurrency)
	}
	s := &Scope{Plan: p, Event: ev, Outputs: make([][]byte, 2)}
	list, err := n.ForEach.Append(nil, s, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	rawjson.Elements(list, func(item []byte) bool {
		s.Item = item
		config, err := n.Config.Append(nil, s, 100)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(config))
		s.Index++
		return true
	})
	want := []string{`{"i":0,"v":1.0,"t":"#0 {\"a\":1.0}"}`, `{"i":1,"v":null,"t":"#1 x"}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestQueryResolvesWhateverTheBody(t *testing.T) {
	p, err := compileConfig(t, `{"q":"{{trigger.data._query.a}}","s":"{{steps.t.output._query.a}}","d":"{{trigger.data}}"}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`[1,2]`, `"text"`, `7`, `null`} {
		ev, err := NewEvent([]byte(body), "a=1", Event{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Nodes[2].Config.Append(nil, &Scope{Plan: p, Event: ev, Outputs: make([][]byte, 4)}, 100)
		if want := `{"q":"1","s":"1","d":` + body + `}`; err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
}

func TestTemplateLimit(t *testing.T) {
	for _, config := range []string{
		`{"a":"constant"}`, `{"a":"{{trigger.data.obj}}"}`, `{"a":"x{{trigger.data.obj}}"}`, `{"a":"{{trigger.data.nope}}"}`,
		`{"a":"{{trigger.clientIp}}"}`, `{"a":"{{trigger.data.s}}!","b":["{{trigger.data.list}}","{{trigger.method}}"]}`,
	} {
		p, err := compileConfig(t, config)
		if err != nil {
			t.Fatal(err)
		}
		s := testScope(t, p)
		whole, err := p.Nodes[2].Config.Append(nil, s, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for limit := range len(whole) + 1 {
			got, err := p.Nodes[2].Config.Append([]byte("before"), s, limit)
			if limit == len(whole) {
				if err != nil || string(got) != "before"+string(whole) {
					t.Errorf("%s within its size: %s, %v", config, got, err)
				}
			} else if !errors.Is(err, ErrTooLarge) || string(got) != "before" {
				t.Errorf("%s within %d of %d bytes: %s, %v", config, limit, len(whole), got, err)
			}
		}
	}
}

// A small template can use a large value many times. The limit applies before the value is copied.
func TestTemplateLimitComesBeforeTheCopy(t *testing.T) {
	p, err := compileConfig(t, `{"a":"`+strings.Repeat("{{trigger.data.big}}", 900)+`"}`)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := NewEvent([]byte(`{"big":"`+strings.Repeat("x", 1<<20)+`"}`), "", Event{})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 4<<20)
	s := &Scope{Plan: p, Event: ev, Outputs: make([][]byte, 4)}
	if n := testing.AllocsPerRun(1, func() {
		if _, err = p.Nodes[2].Config.Append(dst, s, 4<<20); !errors.Is(err, ErrTooLarge) {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("%v allocations: the result grew beyond the limit", n)
	}
}

func TestTemplateAllocatesNothing(t *testing.T) {
	p, err := compileConfig(t, `{"a":"{{trigger.data.obj}}","b":"x{{trigger.data.list}}y{{trigger.method}}","c":"{{steps.rag-1.output}}"}`)
	if err != nil {
		t.Fatal(err)
	}
	s, dst := testScope(t, p), make([]byte, 0, 1<<10)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := p.Nodes[2].Config.Append(dst, s, 1<<10); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTemplateCollectsSecrets(t *testing.T) {
	p, err := compileConfig(t, `{"a":"Bearer {{global.__secret_key}}","b":"{{global.__secret_all}}","c":"{{global.api_url}}","d":"{{global.__secret_nope}}"}`)
	if err != nil {
		t.Fatal(err)
	}
	s := testScope(t, p)
	for range 2 {
		if _, err := p.Nodes[2].Config.Append(nil, s, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := string(bytes.Join(s.Secrets, []byte(" "))), `s3cr"t me k1 22`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var keys []string
	for _, g := range s.Globals {
		value, ok := s.Global(g.Key)
		if string(value) != string(g.Value) || ok != (g.Value != nil) {
			t.Errorf("global %s is noted as %s", g.Key, g.Value)
		}
		keys = append(keys, g.Key)
	}
	if want := []string{"__secret_key", "__secret_all", "api_url", "__secret_nope"}; !slices.Equal(keys, want) {
		t.Errorf("globals %q, want %q", keys, want)
	}
}

// TestTemplateHidesSecrets checks that placeholders take the place of secrets. Values that reveal
// nothing, and other globals, stay.
func TestTemplateHidesSecrets(t *testing.T) {
	p, err := compileConfig(t, `{"a":"Bearer {{global.__secret_key}}","b":"{{global.__secret_all}}","c":"{{global.api_url}}","d":"{{global.__secret_nope}}",`+
		`"e":"{{global.__secret_all.keys[1]}}","f":"{{global.__secret_all.keys[2]}}","g":"{{global.__secret_all.keys[3]}}","h":"{{global.__secret_all}}!"}`)
	if err != nil {
		t.Fatal(err)
	}
	s := testScope(t, p)
	var hidden []string
	s.Hide = func(value []byte) []byte {
		hidden = append(hidden, string(value))
		return fmt.Appendf(nil, `"#%d"`, len(hidden))
	}
	got, err := p.Nodes[2].Config.Append(nil, s, 1<<20)
	if want := `{"a":"Bearer #1","b":"#2","c":"https://api.example","d":null,"e":"#3","f":true,"g":null,"h":"#4!"}`; string(got) != want || err != nil {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	all := `{"user":"me","keys":["k1",22,true,null,"k1",""]}`
	if want := []string{`"s3cr\"t"`, all, `22`, all}; !slices.Equal(hidden, want) {
		t.Errorf("hidden %q, want %q", hidden, want)
	}
	if got, want := string(bytes.Join(s.Secrets, []byte(" "))), `s3cr"t me k1 22`; got != want {
		t.Errorf("collected %q, want %q", got, want)
	}
}

func TestTemplateProblems(t *testing.T) {
	tests := []struct{ template, want string }{
		{`{{trigger.data`, `malformed template at column 15: the end where "}}" or another step of the path should stand`},
		{`a {{`, `malformed template at column 5: the end where a path should stand`},
		{`{{}}`, `malformed template at column 3: "}" where a path should stand`},
		{`é {{ }}`, `malformed template at column 6: "}" where a path should stand`},
		{`{{{trigger.data}}}`, `malformed template at column 3: "{" where a path should stand`},
		{`{{trigger.data}`, `malformed template at column 15: "}" where "}}" or another step of the path should stand`},
		{`{{trigger..data}}`, `malformed template at column 11: "." where a key should stand`},
		{`{{trigger.data.}}`, `malformed template at column 16: "}" where a key should stand`},
		{`{{.trigger}}`, `malformed template at column 3: "." where a path should stand`},
		{`{{trigger.data | upper}}`, `malformed template at column 16: "|" where "}}" or another step of the path should stand`},
		{`{{trigger.data a}}`, `template at column 3: trigger has no "data a", only .data, .headers, .method, .clientIp or .receivedAt`},
		{`{{trigger.data.a [b]}}`, `malformed template at column 19: "b" where an index such as 0 or a key in double quotes should stand`},
		{`{{trigger.data[}}`, `malformed template at column 16: "}" where an index such as 0 or a key in double quotes should stand`},
		{`{{trigger.data[-1]}}`, `malformed template at column 16: "-" where an index such as 0 or a key in double quotes should stand`},
		{`{{trigger.data['a']}}`, `malformed template at column 16: "'" where an index such as 0 or a key in double quotes should stand`},
		{`{{trigger.data[0}}`, `malformed template at column 17: "}" where "]" should stand`},
		{`{{trigger.data[99999999999]}}`, `malformed template at column 16: an index that is too large`},
		{`{{trigger.data["a]}}`, `malformed template at column 16: a key whose closing quote is missing`},
		{`{{trigger.data["a\`, `malformed template at column 16: a key whose closing quote is missing`},
		{`{{trigger.data["\x"]}}`, `malformed template at column 16: a key that is not a valid JSON string`},
		{"{{trigger.data[\"\n\"]}}", `malformed template at column 16: a key that is not a valid JSON string`},
		{`x {{ step.a.output}}`, `template at column 6: unknown root "step"; did you mean "steps"?`},
		{`{{[0]}}`, `template at column 3: unknown root "[0]"; known: execution, global, index, item, steps, trigger, workflow`},
		{`{{trigger}}`, `template at column 3: trigger must be followed by .data, .headers, .method, .clientIp or .receivedAt`},
		{`{{trigger.body}}`, `template at column 3: trigger has no "body", only .data, .headers, .method, .clientIp or .receivedAt`},
		{`{{trigger[0]}}`, `template at column 3: trigger has no "[0]", only .data, .headers, .method, .clientIp or .receivedAt`},
		{`{{trigger.method.x}}`, `template at column 3: trigger.method has no members or elements`},
		{`{{trigger.clientIp[0]}}`, `template at column 3: trigger.clientIp has no members or elements`},
		{`{{trigger.receivedAt.x}}`, `template at column 3: trigger.receivedAt has no members or elements`},
		{`{{steps}}`, `template at column 3: steps must be followed by the id of a node, as in steps.fetch.output`},
		{`{{steps[0]}}`, `template at column 3: steps must be followed by the id of a node, as in steps.fetch.output`},
		{`{{steps.rag-1}}`, `template at column 3: steps.rag-1 must be followed by .output`},
		{`{{steps.rag-1.outptu}}`, `template at column 3: steps.rag-1 has no "outptu", only .output`},
		{`{{steps.rag1.output}}`, `template at column 3: no node has the id "rag1"; did you mean "rag-1"?`},
		{`{{steps.n.output}}`, `template at column 3: node "n" cannot see its own output`},
		{`{{steps.after.output}}`, `template at column 3: node "after" is not upstream of node "n"`},
		{`{{global}}`, `template at column 3: global must be followed by a key, as in global.api_url`},
		{`{{item}}`, `template at column 3: item exists only in the config of a node with forEach`},
		{`{{trigger.data}} {{index}}`, `template at column 20: index exists only in the config of a node with forEach`},
		{`{{execution}}`, `template at column 3: execution must be followed by .id`},
		{`{{execution.id.x}}`, `template at column 3: execution.id has no members or elements`},
		{`{{workflow.title}}`, `template at column 3: workflow has no "title", only .id or .name`},
		{`{{workflow.name.x}}`, `template at column 3: workflow.name has no members or elements`},
	}
	for _, tt := range tests {
		t.Run(tt.template, func(t *testing.T) {
			_, err := compileConfig(t, `{"a":[{"b c":`+string(rawjson.AppendQuoted(nil, []byte(tt.template)))+`}]}`)
			want := []string{`nodes[2].config.a[0]["b c"]: ` + tt.want}
			if diff := cmp.Diff(want, problems(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTooManyTemplates(t *testing.T) {
	config := func(n int) string { return `{"a":"` + strings.Repeat("{{trigger.data}}", n) + `"}` }
	if _, err := compileConfig(t, config(maxTemplates)); err != nil {
		t.Error(err)
	}
	_, err := compileConfig(t, config(maxTemplates+1))
	want := []string{fmt.Sprintf(`nodes[2].config.a: the node has more than %d templates`, maxTemplates)}
	if diff := cmp.Diff(want, problems(t, err)); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkTemplateAppend(b *testing.B) {
	p, err := Compile("", 0, []byte(orderIntake), builtins(b), nil)
	if err != nil {
		b.Fatal(err)
	}
	ev, err := NewEvent([]byte(`{"order_id":17,"total":120.50,"items":[{"sku":"a","count":1}]}`), "source=shop", Event{})
	if err != nil {
		b.Fatal(err)
	}
	s := &Scope{Plan: p, Event: ev, Outputs: make([][]byte, 4)}
	dst := make([]byte, 0, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Nodes[1].Config.Append(dst, s, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}
