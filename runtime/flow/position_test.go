package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// TestPositions marks in each document where its problems begin, in their order.
func TestPositions(t *testing.T) {
	const mark = "▶"
	for _, c := range []struct{ name, doc string }{
		{"nothing", mark},
		{"an empty object", mark + "{}"},
		{"white space first", "\n\n\t " + mark + "[]"},
		{"syntax", "{\n  \"id\": " + mark + "oops}"},
		{"the end is missing", "{\"nodes\":[\n\n" + mark},
		{"text after the value", "{}\n  " + mark + "{}"},
		{"a comma too many", "{\"nodes\":[]," + mark + "}"},
		{"a control character in a string", "{\"name\":\"ü\x7fä" + mark + "\x01\"}"},
		{"a byte that is not UTF-8", "{\"name\":\"日本" + mark + "\xff\"}"},
		{"a misspelled key behind wide characters", `{"name":"日本 ü 🙂",` + mark + `"nods":[]}`},
		{"line ends of Windows", "{\r\n  \"name\": \"x\",\r\n  " + mark + "\"nods\": []\r\n}"},
		{"a value of another type", `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"manual"},` + mark + `"name":7}]}`},
		{"an element", `{"nodes":[ ` + mark + `"x", ` + mark + "7 ]}"},
		{"a missing member", "{\"nodes\":[{\"id\":\"t\",\"type\":\"trigger\",\"config\":{\"triggerType\":\"manual\"}},\n  " + mark + `{"id":"a"}]}`},
		{"a missing member below a member", `{"nodes":[{"id":"t","type":"trigger",` + mark + `"config":{"webhook":{}}}]}`},
		{"a key with escapes", `{` + mark + `"nodes":[],` + mark + `"\u0061\"b":1}`},
		{"a key that is too long for a path", `{` + mark + `"nodes":[],` + mark + `"` + strings.Repeat("k", 500) + `":1}`},
		{"the later one of a repeated key", `{"nodes":[],` + mark + `"nodes":[]}`},
		{"repeated in other words", `{"name":"a","nodes":[],` + mark + `"n\u0061me":"b"}`},
		{"below a repeated key", `{"nodes":[],` + mark + `"nodes":[{` + mark + `"id":` + strings.Repeat("1", 500) + `}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []string
			doc := c.doc
			for i := strings.Index(doc, mark); i >= 0; i = strings.Index(doc, mark) {
				want = append(want, positionOf(doc[:i]))
				doc = doc[:i] + doc[i+len(mark):]
			}
			_, err := CompileNew("w", 0, []byte(doc), builtins(t), nil)
			var bad *DocumentError
			if !errors.As(err, &bad) {
				t.Fatalf("the document has no problem: %v", err)
			}
			var got []string
			for _, p := range bad.Problems {
				if at := fmt.Sprint(p.Line, ":", p.Column); !slices.Contains(got, at) {
					got = append(got, at)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s\n got %q of %q\nwant %q", doc, got, problems(t, err), want)
			}
		})
	}
}

// positionOf returns line and column behind a text, by other means than the code.
func positionOf(before string) string {
	lines := strings.Split(before, "\n")
	return fmt.Sprint(len(lines), ":", len([]rune(lines[len(lines)-1]))+1)
}

// FuzzFind compares the offset of each place of a document with that of encoding/json, and that of
// places that are missing with that of the value around them.
func FuzzFind(f *testing.F) {
	f.Add([]byte(orderIntake))
	f.Add([]byte(` [ 1 , {"a":{},"\u0062":[[]], "": null}, "日本" ]`))
	f.Add([]byte("{\n\t\"a\" :\r\n[ true,false ] }"))
	f.Add([]byte(`{"a":{"b":[{"c":1},{"c":2}]}} x`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if syntax, bad := errors.AsType[*rawjson.SyntaxError](rawjson.Check(doc, MaxDepth)); bad {
			r := new(report)
			if _, ok := r.open(doc, MaxDocument, nil); ok {
				t.Fatal("a document was opened that is not JSON")
			}
			p := r.inDocumentOrder(r.problems)[0]
			if at := fmt.Sprint(p.Line, ":", p.Column); utf8.Valid(doc) && at != positionOf(string(doc[:syntax.Offset])) {
				t.Fatalf("the problem is at %s, want offset %d", at, syntax.Offset)
			}
			return
		}
		d := json.NewDecoder(strings.NewReader(string(doc)))
		w := &walker{t: t, doc: doc, d: d}
		w.value(nil, w.next())
	})
}

// walker walks over a document with encoding/json and compares the offsets of its places.
type walker struct {
	t   *testing.T
	doc []byte
	d   *json.Decoder
}

// next returns the offset of the next token.
func (w *walker) next() int {
	i := int(w.d.InputOffset())
	for i < len(w.doc) && strings.IndexByte(" \t\r\n,:", w.doc[i]) >= 0 {
		i++
	}
	return i
}

// value walks over the value at a place, which begins at an offset, at its key if it is a member.
// It reports whether encoding/json reads the value as this project does.
func (w *walker) value(at *place, offset int) bool {
	if _, got, found := at.find(w.doc); !found || got != offset {
		w.t.Fatalf("%s is at %d, want %d, of %q", at, got, offset, w.doc)
	}
	for _, missing := range []*place{at.member("no such key").element(3).member("x"), at.element(1 << 20)} {
		if _, got, found := missing.find(w.doc); found || got != offset {
			w.t.Fatalf("%s, which is missing, is at %d, want %d, of %q", missing, got, offset, w.doc)
		}
	}
	token, err := w.d.Token()
	if err != nil {
		return false
	}
	switch token {
	case json.Delim('['):
		for i := 0; w.d.More(); i++ {
			if !w.value(at.element(i), w.next()) {
				return false
			}
		}
		_, _ = w.d.Token()
	case json.Delim('{'):
		seen := map[string]bool{}
		for w.d.More() {
			offset := w.next()
			key, _ := w.d.Token()
			text, _ := key.(string)
			if text == "no such key" || seen[text] || strings.Contains(text, "\uFFFD") {
				return false // repeated, or not what it seems
			}
			seen[text] = true
			if !w.value(at.member(text), offset) {
				return false
			}
		}
		_, _ = w.d.Token()
	}
	return true
}
