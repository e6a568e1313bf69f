package rawjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

const testDepth = 512

func TestCheck(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	objects := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	tests := []struct {
		name, in string
		offset   int
		reason   string // "" = good
	}{
		{name: "null", in: `null`},
		{name: "white space around", in: " \t\r\n{ } \n"},
		{name: "numbers", in: `[0,-0,0.0,-1.5e+10,1E5,9e-3,12345678901234567890123456789]`},
		{name: "escapes", in: `"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"`},
		{name: "lone surrogate escape", in: `"\ud800"`},
		{name: "DEL and U+2028 stand as they are", in: "\"\x7f\u2028\""},
		{name: "highest code point", in: "\"\U0010FFFF\""},
		{name: "repeated keys", in: `{"a":1,"a":2}`},
		{name: "deepest array", in: nested(testDepth)},
		{name: "deepest object", in: objects(testDepth)},

		{"empty", ``, 0, reasonEmpty},
		{"only white space", "  \n", 3, reasonEmpty},
		{"byte order mark", "\xEF\xBB\xBF{}", 0, reasonBOM},
		{"two values", `{} {}`, 3, reasonTrailing},
		{"comma after the value", `1,`, 1, reasonTrailing},
		{"null byte behind", "1\x00", 1, reasonTrailing},
		{"array too deep", nested(testDepth + 1), testDepth, reasonDepth},
		{"object too deep", objects(testDepth + 1), 5 * testDepth, reasonDepth},
		{"unclosed array", `[1,2`, 4, reasonEnd},
		{"unclosed object", `{"a":1`, 6, reasonEnd},
		{"no value", `{"a":`, 5, reasonEnd},
		{"no colon", `{"a" 1}`, 5, reasonUnexpected},
		{"key is no string", `{a:1}`, 1, reasonUnexpected},
		{"comma at the end of an object", `{"a":1,}`, 7, reasonUnexpected},
		{"comma at the end of an array", `[1,]`, 3, reasonUnexpected},
		{"comma alone", `[,]`, 1, reasonUnexpected},
		{"wrong bracket", `[1}`, 2, reasonUnexpected},
		{"comment", `[1] // x`, 4, reasonTrailing},
		{"single quotes", `'a'`, 0, reasonUnexpected},
		{"NaN", `NaN`, 0, reasonUnexpected},
		{"cut literal", `tru`, 3, reasonEnd},
		{"wrong literal", `nuLl`, 2, reasonUnexpected},
		{"longer literal", `truer`, 4, reasonTrailing},
		{"form feed is no white space", "\f1", 0, reasonUnexpected},
		{"no-break space is no white space", "\u00a01", 0, reasonUnexpected},
		{"plus sign", `+1`, 0, reasonUnexpected},
		{"leading zero", `01`, 1, reasonNumber},
		{"negative leading zero", `-01`, 2, reasonNumber},
		{"minus alone", `-`, 1, reasonEnd},
		{"minus and text", `-a`, 1, reasonNumber},
		{"no digits after the point", `1.`, 2, reasonEnd},
		{"no digits before the point", `.5`, 0, reasonUnexpected},
		{"no digits in the exponent", `[1e]`, 3, reasonNumber},
		{"signed exponent without digits", `1e+`, 3, reasonEnd},
		{"hexadecimal", `0x1`, 1, reasonTrailing},
		{"unclosed string", `"abc`, 4, reasonEnd},
		{"line break in a string", "\"a\nb\"", 2, reasonControl},
		{"null byte in a string", "\"\x00\"", 1, reasonControl},
		{"unknown escape", `"\x41"`, 2, reasonEscape},
		{"short unicode escape", `"\u12"`, 5, reasonEscape},
		{"cut unicode escape", `"\u12`, 5, reasonEnd},
		{"cut escape", `"\`, 2, reasonEnd},
		{"invalid UTF-8", "\"a\xff\"", 2, reasonUTF8},
		{"overlong UTF-8", "\"\xc0\xaf\"", 1, reasonUTF8},
		{"surrogate in UTF-8", "\"\xed\xa0\x80\"", 1, reasonUTF8},
		{"cut UTF-8", "\"\xe2\x82\"", 1, reasonUTF8},
		{"invalid UTF-8 in a key", "{\"\x80\":1}", 2, reasonUTF8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, canonical := AppendCanonical(nil, []byte(tt.in), testDepth)
			for way, err := range map[string]error{"Check": Check([]byte(tt.in), testDepth), "AppendCanonical": canonical} {
				if tt.reason == "" {
					if err != nil {
						t.Errorf("%s: %v", way, err)
					}
					continue
				}
				var syntax *SyntaxError
				if !errors.As(err, &syntax) {
					t.Fatalf("%s: got %v, want a SyntaxError", way, err)
				}
				if syntax.Offset != tt.offset || syntax.Error() != tt.reason {
					t.Errorf("%s: got %q at %d, want %q at %d", way, syntax.Reason, syntax.Offset, tt.reason, tt.offset)
				}
			}
		})
	}
}

func TestCheckDepthZeroAllowsScalarsOnly(t *testing.T) {
	if err := Check([]byte(`1`), 0); err != nil {
		t.Error(err)
	}
	if err := Check([]byte(`[]`), 0); err == nil {
		t.Error("an array is one deep")
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	b := []byte(pushEvent)
	if n := testing.AllocsPerRun(100, func() {
		if Check(b, testDepth) != nil {
			t.Fatal("not valid")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzCheck compares with encoding/json, which agrees on the grammar and does not ask for valid
// UTF-8.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{pushEvent, `{"a":[1,2.5e-3,"\u00e9",{"b":null}],"a":true}`, "\"\xff\"", `[[[]]]`, ` 01 `, "\xEF\xBB\xBF1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		// White space and punctuation are ASCII, so invalid UTF-8 in valid JSON can only stand in
		// strings.
		want := json.Valid(b) && utf8.Valid(b) && maxDepthOf(b) <= testDepth
		err := Check(b, testDepth)
		if (err == nil) != want {
			t.Fatalf("Check(%q) = %v, want valid = %v", b, err, want)
		}
		var syntax *SyntaxError
		if errors.As(err, &syntax) && (syntax.Offset < 0 || syntax.Offset > len(b)) {
			t.Fatalf("offset %d of %d bytes", syntax.Offset, len(b))
		}
	})
}

// maxDepthOf counts the nesting of text that is valid JSON.
func maxDepthOf(b []byte) int {
	depth, deepest := 0, 0
	dec := json.NewDecoder(bytes.NewReader(b))
	for {
		tok, err := dec.Token()
		if err != nil {
			return deepest
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	in := []byte(pushEvent)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if Check(in, testDepth) != nil {
			b.Fatal("not valid")
		}
	}
}

// pushEvent has the shape of a source host's push webhook, shortened.
const pushEvent = `{
  "ref": "refs/heads/main",
  "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
  "after": "0000000000000000000000000000000000000000",
  "repository": {"id": 186853002, "name": "hello", "private": false, "owner": {"login": "octo", "id": 21031067},
    "description": null, "size": 0, "topics": [], "default_branch": "main", "license": null},
  "commits": [
    {"id": "1481a2de7b2a7d02428ad93446ab166be7793fbb", "message": "Grüße \u2013 \"first\"\n", "distinct": true,
     "timestamp": "2019-05-15T15:20:18Z", "added": ["a.txt"], "removed": [], "modified": ["b/c.txt", "d.txt"]}
  ],
  "score": -1.50e+3
}`
