package reference

import (
	"testing"
	"unicode/utf8"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

// FuzzOperations: for any input and operations, the node returns an error or valid, compact JSON.
func FuzzOperations(f *testing.F) {
	f.Add(`{"a":[1,{"b":null}]}`, `[{"op":"set","path":"a[1].b.c","value":2},{"op":"delete","path":"a[0]"}]`)
	f.Add(`{"a":1,"b":2}`, `[{"op":"rename","path":"a","to":"b"},{"op":"pick","paths":["b","c"]}]`)
	f.Add(`[]`, `[{"op":"set","path":"[0][\"x\\u0000\"]","value":{}}]`)
	f.Fuzz(func(t *testing.T, input, operations string) {
		in, err1 := rawjson.AppendCanonical(nil, []byte(input), 64)
		ops, err2 := rawjson.AppendCanonical(nil, []byte(operations), 64)
		if err1 != nil || err2 != nil {
			return
		}
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
	for _, p := range []string{`a`, `a.b[0]`, `["x y"].z`, `[12]`, `a[`, `.`, `a.`, `["\u0061"]`} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // texts in a config are valid
		}
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
