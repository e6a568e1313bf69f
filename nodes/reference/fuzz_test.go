package reference

import (
	"os"
	"testing"
	"unicode/utf8"

	"github.com/flowtrux/edge/nodes/cases"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

// FuzzNodes: for any config, the nodes in C do what the nodes in Go do.
func FuzzNodes(f *testing.F) {
	subjects(f) // loads them: a call of what follows has to end within 10 s
	for i, typ := range types {
		file, err := os.ReadFile("../builtin/" + typ.name + "/testdata/cases.json")
		if err != nil {
			f.Fatal(err)
		}
		list, err := cases.Parse(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, c := range list {
			f.Add(uint(i), string(c.Config))
		}
	}
	// a key of an object in what an array may contain
	f.Add(uint(conditionType), `{"conditions":[{"left":[{"a":"x"}],"operator":"contains","right":{"a":"x"}}]}`)
	f.Fuzz(func(t *testing.T, typ uint, config string) {
		compare(t, int(typ%uint(len(types))), config, okReply)
	})
}

// FuzzOperations: for any input and operations, the nodes do the same, and what they give is an
// error or valid, compact JSON.
func FuzzOperations(f *testing.F) {
	subjects(f) // loads them: a call of what follows has to end within 10 s
	f.Add(`{"a":[1,{"b":null}]}`, `[{"op":"set","path":"a[1].b.c","value":2},{"op":"delete","path":"a[0]"}]`)
	f.Add(`{"a":1,"b":2}`, `[{"op":"rename","path":"a","to":"b"},{"op":"pick","paths":["b","c"]}]`)
	f.Add(`[]`, `[{"op":"set","path":"[0][\"x\\u0000\"]","value":{}}]`)
	f.Fuzz(func(t *testing.T, input, operations string) {
		in, err1 := rawjson.AppendCanonical(nil, []byte(input), 64)
		ops, err2 := rawjson.AppendCanonical(nil, []byte(operations), 64)
		if err1 != nil || err2 != nil {
			return
		}
		compare(t, transformType, `{"input":`+string(in)+`,"operations":`+string(ops)+`}`, okReply)
		out, err := operate(new(sdk.Context), in, ops)
		if err != nil {
			return
		}
		again, err := rawjson.AppendCanonical(nil, out, 512)
		if err != nil || string(again) != string(out) {
			t.Errorf("%s with %s gives %s: %v", in, ops, out, err)
		}
	})
}

// FuzzPath: set and lookup with any path that parses agree.
func FuzzPath(f *testing.F) {
	subjects(f) // loads them: a call of what follows has to end within 10 s
	for _, p := range []string{`a`, `a.b[0]`, `["x y"].z`, `[12]`, `a[`, `.`, `a.`, `["\u0061"]`} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // texts in a config are valid
		}
		path := string(rawjson.AppendQuoted(nil, []byte(text)))
		compare(t, transformType, `{"input":null,"operations":[{"op":"set","path":`+path+`,"value":true}]}`, okReply)
		p, err := parsePath(text)
		if err != nil {
			return
		}
		v, err := set(nil, p, []byte("true"))
		if err != nil {
			return // an index that does not begin at 0
		}
		for _, s := range p {
			v = s.Of(v)
		}
		if string(v) != "true" {
			t.Errorf("%q does not lead to what it set: %s", text, v)
		}
	})
}
