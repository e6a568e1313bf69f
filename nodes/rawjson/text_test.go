package rawjson

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppendString(t *testing.T) {
	for in, want := range map[string]string{
		`""`:                            "",
		`"plain"`:                       "plain",
		`"\"\\\/\b\f\n\r\t"`:            "\"\\/\b\f\n\r\t",
		`"\u0041\u00e9\u20AC"`:          "Aé€",
		`"\ud83d\ude00!"`:               "😀!",
		`"\ud83d"`:                      "\uFFFD",
		`"\ud83dx"`:                     "\uFFFDx",
		`"\ude00\ud83d"`:                "\uFFFD\uFFFD",
		`"\ud83d\ud83d\ude00"`:          "\uFFFD😀",
		`"\ud83d\n"`:                    "\uFFFD\n",
		`"\u0000"`:                      "\x00",
		`"mixed \u0041 and \n é plain"`: "mixed A and \n é plain",
		`12`:                            "",
		`"`:                             "",
	} {
		if got := AppendString([]byte(">"), []byte(in)); string(got) != ">"+want {
			t.Errorf("AppendString(%s) = %q, want %q", in, got, want)
		}
	}
}

func TestAppendQuoted(t *testing.T) {
	for in, want := range map[string]string{
		"":                "\"\"",
		"plain é 😀":       "\"plain é 😀\"",
		"a\"b\\c/":        `"a\"b\\c/"`,
		"\n\r\t\b\f":      `"\n\r\t\b\f"`,
		"\x00\x1f\x7f":    "\"\\u0000\\u001f\x7f\"",
		"<&>\u2028":       "\"<&>\u2028\"",
		"a\xffb\xe2\x82c": "\"a\uFFFDb\uFFFD\uFFFDc\"",
		"\uFFFD":          "\"\uFFFD\"",
	} {
		if got := AppendQuoted([]byte(">"), []byte(in)); string(got) != ">"+want {
			t.Errorf("AppendQuoted(%q) = %s, want %s", in, got, want)
		}
	}
}

// FuzzText writes any bytes as a string and reads any valid string, both compared with
// encoding/json.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "a\"\\\n", "\xff\xc0\xaf", `\ud83d\ude00`, `\ud800\u0041`, "😀"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		quoted := AppendQuoted(nil, b)
		if err := Check(quoted, 0); err != nil {
			t.Fatalf("AppendQuoted(%q) = %q: %v", b, quoted, err)
		}
		valid := strings.Builder{}
		for _, r := range string(b) {
			valid.WriteRune(r)
		}
		if got := AppendString(nil, quoted); string(got) != valid.String() {
			t.Fatalf("%q came back as %q", b, got)
		}
		raw := append(append([]byte{'"'}, b...), '"')
		got := AppendString(nil, raw)
		if Check(raw, 0) != nil {
			return
		}
		var want string
		if err := json.Unmarshal(raw, &want); err != nil || string(got) != want || !utf8.Valid(got) {
			t.Fatalf("AppendString(%q) = %q, want %q (%v)", raw, got, want, err)
		}
	})
}
