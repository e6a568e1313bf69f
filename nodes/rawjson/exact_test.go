package rawjson

import (
	"testing"
	"unicode/utf8"
)

func TestExact(t *testing.T) {
	for in, want := range map[string]string{
		`""`:                      "",
		`"plain é"`:               "plain é",
		`"\"\\\n\u00e9\ufffd"`:    "\"\\\né\uFFFD",
		`"\ud83d\ude00!"`:         "😀!",
		`"\uD800"`:                "\xED\xA0\x80",
		`"\udbff"`:                "\xED\xAF\xBF",
		`"\udc00"`:                "\xED\xB0\x80",
		`"\udfff"`:                "\xED\xBF\xBF",
		`"\ude00\ud83d"`:          "\xED\xB8\x80\xED\xA0\xBD",
		`"\ud83d\ud83d\ude00"`:    "\xED\xA0\xBD😀",
		`"a\ud83d\u0041\ud83d\n"`: "a\xED\xA0\xBDA\xED\xA0\xBD\n",
		`12`:                      "",
		`"`:                       "",
	} {
		if got := string(Exact([]byte(in))); got != want {
			t.Errorf("Exact(%s) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"\xED\xA0\x80\xED\xBF\xBF😀": `\ud800\udfff😀`,
		"\xED\xAF\xBF\"":            `\udbff\"`,
		"\xED\x9F\xBF":              "\uD7FF", // the last character before them
		"\xED\xA0":                  "\uFFFD\uFFFD",
		"\xED\xA0a":                 "\uFFFD\uFFFDa",
		"\xED\xC0\x80":              "\uFFFD\uFFFD\uFFFD",
		"a\xFF":                     "a\uFFFD",
	} {
		if got := string(AppendExactEscaped(nil, []byte(in))); got != want {
			t.Errorf("AppendExactEscaped(%q) = %s, want %s", in, got, want)
		}
	}
	if got := string(AppendEscaped(nil, []byte("\xED\xA0\x80"))); got != "\uFFFD\uFFFD\uFFFD" {
		t.Errorf("AppendEscaped makes %s of what is no UTF-8", got)
	}
}

// Halves of surrogate pairs are keys of their own.
func TestKeysWithHalfPairs(t *testing.T) {
	const v = `{"\ud800":1,"\uD801":2,"\ufffd":3,"\ud800":4,"\udC00x":5}`
	const want = `{"\uD801":2,"\ufffd":3,"\ud800":4,"\udC00x":5}`
	got, err := AppendCanonical(nil, []byte(v), testDepth)
	if err != nil || string(got) != want {
		t.Fatalf("%s, %v, want %s", got, err, want)
	}
	for key, value := range map[string]string{`"\ud800"`: "4", `"\ud801"`: "2", `"\ufffd"`: "3", `"\ud802"`: "", `"\udc00x"`: "5"} {
		if found := Get(got, string(Exact([]byte(key)))); string(found) != value {
			t.Errorf("%s is %q, want %q", key, found, value)
		}
	}
}

// FuzzExact: exact texts are different for different strings, are written back to what means the
// same, and are the plain text where that is one.
func FuzzExact(f *testing.F) {
	for _, seed := range []string{``, `\ud800`, `\ud801`, `\ufffd`, `\ud83d\ude00`, `\ude00\ud83d`, `a\u0000\"é`} {
		f.Add([]byte(seed), []byte(`\uD800`))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, raw := range [][]byte{a, b} {
			v := append(append([]byte{'"'}, raw...), '"')
			if Check(v, 0) != nil {
				return
			}
			exact := Exact(v)
			if again := AppendExact(nil, AppendExactEscaped(nil, exact)); string(again) != string(exact) {
				t.Fatalf("%s came back as %q, was %q", v, again, exact)
			}
			if utf8.Valid(exact) != (string(exact) == string(AppendString(nil, v))) {
				t.Fatalf("%s: %q and %q", v, exact, AppendString(nil, v))
			}
		}
		// Two strings that are the same once escaped in one way are the same.
		x, y := AppendExact(nil, a), AppendExact(nil, b)
		same := string(AppendExactEscaped(nil, x)) == string(AppendExactEscaped(nil, y))
		if same != (string(x) == string(y)) {
			t.Fatalf("%q and %q", x, y)
		}
	})
}
