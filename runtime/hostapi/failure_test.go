package hostapi

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCleanMessage(t *testing.T) {
	long := strings.Repeat("x", 2*MaxMessage)
	for in, want := range map[string]string{
		"":                         "",
		"plain":                    "plain",
		"first\nsecond":            "first",
		"first\r\nsecond":          "first",
		"\n\r\n \t\nthird":         "third",
		"  around  ":               "around",
		"a\tb\x00c\x7fd\u0085e":    "a b c d e",
		"\x1b[31mred":              "[31mred",
		"smörgås ✓":                "smörgås ✓",
		"a\xff\xfeb":               "a\ufffd\ufffdb",
		long:                       long[:MaxMessage],
		long[:MaxMessage-1] + "é":  long[:MaxMessage-1],
		strings.Repeat("\n", 5000): "",
	} {
		if got := CleanMessage([]byte(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzCleanMessage(f *testing.F) {
	for _, s := range []string{"", "a\nb", "\xff\xfe\x00", "\u2028x\u0085", strings.Repeat("é", 400), " \t\r\n x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := CleanMessage(b)
		if !utf8.ValidString(got) || len(got) > MaxMessage || strings.ContainsFunc(got, unicode.IsControl) || strings.TrimSpace(got) != got {
			t.Errorf("%q gives %q", b, got)
		}
		if again := CleanMessage([]byte(got)); again != got {
			t.Errorf("%q, cleaned again %q", got, again)
		}
	})
}
