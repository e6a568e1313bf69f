package flow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// object is a JSON object that, unlike a map, preserves the order of its keys.
type object []field

type field struct {
	key   string
	value any
}

// number is a JSON number with its digits.
type number string

var (
	anyKey    = rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "c", "a-b", "_query", "0", ""}), rapid.StringN(0, 4, -1))
	anyNumber = rapid.SampledFrom([]number{"0", "-0", "1", "1.50", "1e3", "-2E-7", "12345678901234567890.1234567890"})
	anyText   = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "{{a}}", `\{{`, "\"\\\n\x00", "é😀\u2028"}))
)

func anyValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		most := 5
		if depth == 0 {
			most = 3
		}
		switch rapid.IntRange(0, most).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return anyNumber.Draw(t, "number")
		case 3:
			return anyText.Draw(t, "text")
		case 4:
			return rapid.SliceOfN(anyValue(depth-1), 0, 4).Draw(t, "array")
		default:
			keys := rapid.SliceOfNDistinct(anyKey, 0, 5, rapid.ID).Draw(t, "keys")
			var o object
			for _, k := range keys {
				o = append(o, field{k, anyValue(depth-1).Draw(t, "value")})
			}
			return o
		}
	})
}

// naive encodes a value. It is the model of values that the engine passes through unchanged.
func naive(v any) string {
	switch v := v.(type) {
	case number:
		return string(v)
	case string:
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			panic(err)
		}
		return strings.TrimSuffix(b.String(), "\n")
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = naive(e)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case object:
		parts := make([]string, len(v))
		for i, f := range v {
			parts[i] = naive(f.key) + ":" + naive(f.value)
		}
		return "{" + strings.Join(parts, ",") + "}"
	default:
		return fmt.Sprintf("%v", map[any]string{nil: "null", true: "true", false: "false"}[v])
	}
}

// naiveText returns the text of a value within a string.
func naiveText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return naive(v)
	}
}

// naiveFollow follows keys (strings) and indexes (ints).
func naiveFollow(v any, path []any) any {
	for _, s := range path {
		var next any
		switch s := s.(type) {
		case string:
			o, _ := v.(object)
			for _, f := range o {
				if f.key == s {
					next = f.value
				}
			}
		case int:
			if a, _ := v.([]any); s < len(a) {
				next = a[s]
			}
		}
		v = next
	}
	return v
}

// anyPath returns a random path that mostly exists in v.
func anyPath(t *rapid.T, v any) []any {
	var path []any
	for range rapid.IntRange(0, 4).Draw(t, "steps") {
		var s any
		switch v := v.(type) {
		case object:
			s = anyKey.Draw(t, "key")
			if len(v) > 0 && rapid.IntRange(0, 5).Draw(t, "hit") > 0 {
				s = v[rapid.IntRange(0, len(v)-1).Draw(t, "member")].key
			}
		case []any:
			s = rapid.IntRange(0, 4).Draw(t, "index")
		default:
			s = rapid.SampledFrom([]any{"a", 0}).Draw(t, "beyond")
		}
		path = append(path, s)
		v = naiveFollow(v, []any{s})
	}
	return path
}

// spell writes a path in one of its possible notations.
func spell(t *rapid.T, root string, path []any) string {
	space := func() string { return rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "space") }
	b := space() + root
	for _, s := range path {
		b += space()
		switch s := s.(type) {
		case string:
			if message.IsPlainKey(s) && rapid.Bool().Draw(t, "plain") {
				b += "." + space() + s
			} else {
				b += "[" + space() + naive(s) + space() + "]"
			}
		case int:
			b += "[" + space() + strconv.Itoa(s) + space() + "]"
		}
	}
	return b + space()
}

// TestTemplatesAgreeWithModel resolves random templates over random values. It compares the results
// with a model that decodes the values.
func TestTemplatesAgreeWithModel(t *testing.T) {
	types := builtins(t)
	rapid.Check(t, func(t *rapid.T) {
		output, item := anyValue(3).Draw(t, "output"), anyValue(2).Draw(t, "item")
		roots := map[string]any{"steps.up.output": output, "item": item}
		want := object{}
		config := object{}
		for i := range rapid.IntRange(1, 4).Draw(t, "strings") {
			key := fmt.Sprint("k", i)
			var written, resolved string
			alone := rapid.Bool().Draw(t, "alone")
			var value any
			pieces := 1
			if !alone {
				pieces = rapid.IntRange(0, 3).Draw(t, "pieces")
			}
			for range pieces {
				root := rapid.SampledFrom([]string{"steps.up.output", "item"}).Draw(t, "root")
				path := anyPath(t, roots[root])
				value = naiveFollow(roots[root], path)
				written += "{{" + spell(t, root, path) + "}}"
				resolved += naiveText(value)
				if !alone {
					text := rapid.SampledFrom([]string{" ", "é\"", "}}", "{ { ", "\n"}).Draw(t, "text")
					written += text
					resolved += text
				}
			}
			if !alone {
				written, value = "x"+written, "x"+resolved
			}
			config = append(config, field{key, written})
			want = append(want, field{key, value})
		}
		doc := document(
			`{"id":"up","type":"any"},{"id":"n","type":"any","forEach":"{{trigger.data}}","config":`+naive(config)+`}`,
			`{"source":"t","target":"up"},{"source":"up","target":"n"}`)
		p, err := Compile("w", 0, []byte(doc), types, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &Scope{Plan: p, Outputs: [][]byte{nil, []byte(naive(output)), nil}, Item: []byte(naive(item))}
		got, err := p.Nodes[2].Config.Append(nil, s, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if err := rawjson.Check(got, MaxDepth); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		// Strings built from parts may be escaped differently than in the model. Everything else is
		// identical to the byte.
		same, err := respelled(got)
		if err != nil {
			t.Fatal(err)
		}
		model, err := respelled([]byte(naive(want)))
		if err != nil {
			t.Fatal(err)
		}
		if same != model {
			t.Fatalf("config %s\ngot   %s\nwant  %s", naive(config), same, model)
		}
		s.Cache, s.walked = new(Cache), directTotal // as if paths had been followed often enough
		for range 2 {                               // the second time from the cache
			if s.item != nil {
				s.item.walked = directItem
			}
			if again, err := p.Nodes[2].Config.Append(nil, s, 1<<20); err != nil || string(again) != string(got) {
				t.Fatalf("config %s\ngave  %s\nthen  %s, %v", naive(config), got, again, err)
			}
		}
	})
}

// respelled returns v with each string escaped in one way.
func respelled(v []byte) (string, error) {
	switch rawjson.KindOf(v) {
	case rawjson.String:
		var s string
		err := json.Unmarshal(v, &s)
		return strconv.Quote(s), err
	case rawjson.Object:
		b := "{"
		var err error
		rawjson.Members(v, func(k, value []byte) bool {
			var part string
			part, err = respelled(value)
			b += string(k) + ":" + part + ","
			return err == nil
		})
		return b + "}", err
	case rawjson.Array:
		b := "["
		var err error
		rawjson.Elements(v, func(value []byte) bool {
			var part string
			part, err = respelled(value)
			b += part + ","
			return err == nil
		})
		return b + "]", err
	default:
		return string(v), nil
	}
}
