package secret

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/flowtrux/edge/runtime/hostapi"
)

func TestMessageLine(t *testing.T) {
	var s Texts
	s.Add([][]byte{[]byte("token"), []byte("token-long"), []byte("two\nlines"), []byte(`say "x"`), nil})
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"plain", "plain"},
		{"  first\nsecond", "first"},
		{"\n\nfirst\r\nsecond", "first"},
		{"first\u2028second", "first"},
		{"a\x00b\x1b[31mc\u0085d", "ab[31mc"},
		{"tab\there", "tabhere"},
		{"bad \xff\xfe bytes", "bad \uFFFD bytes"},
		{"with token-long and token", "with *** and ***"},
		{"two\nlines", "***"},
		{"lines and two", "*** and two"},
		{`{"m":"say \"x\""}`, `{"m":"***"}`},
		{strings.Repeat("ä", 300), strings.Repeat("ä", 256)},
		{"x" + strings.Repeat("ä", 300), "x" + strings.Repeat("ä", 255)},
		{strings.Repeat("x", 510) + "token", strings.Repeat("x", 510) + "**"},
	} {
		got := s.Line(c.in, hostapi.MaxMessage)
		if got != c.want {
			t.Errorf("line of %q is %q, want %q", c.in, got, c.want)
		}
	}
}

// TestManySecrets checks that Add ends: with work quadratic in the texts it would run for hours.
func TestManySecrets(t *testing.T) {
	texts := make([][]byte, 200_000)
	for i := range texts {
		texts[i] = strconv.AppendInt(nil, int64(i), 10)
	}
	var s Texts
	for range 2 { // as items of forEach do
		s.Add(texts)
	}
	if got := s.atLeast(1); len(got) != len(texts) || got[0] != "100000" {
		t.Errorf("%d texts, the first is %s", len(got), got[0])
	}
}

func TestMessageThatWasCut(t *testing.T) {
	var s Texts
	s.Add([][]byte{[]byte("token-long")})
	filled := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct{ in, want string }{
		{filled(507) + "token", filled(507) + "***"},
		{filled(508) + "toke", filled(508) + "***"},
		{filled(502) + "token-long", filled(502) + "***"},
		{filled(509) + "tok", filled(509) + "tok"}, // can be a coincidence
		{"the token", "the token"},                 // was not cut
	} {
		if got := s.Message(c.in); got != c.want {
			t.Errorf("message of %q is %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzMessageLine(f *testing.F) {
	f.Add("token token\n", "token")
	f.Add("\xff\u2028\x00ä", "ä")
	f.Fuzz(func(t *testing.T, text, secret string) {
		var s Texts
		s.Add([][]byte{[]byte(secret)})
		got := s.Line(text, hostapi.MaxMessage)
		if len(got) > hostapi.MaxMessage || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("line of %q is %q", text, got)
		}
		if secret != "" && utf8.ValidString(text) && !strings.ContainsAny(secret, mask) && strings.Contains(got, secret) &&
			!strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("line of %q shows %q: %q", text, secret, got)
		}
	})
}

func TestNodeCode(t *testing.T) {
	var s Texts
	s.Add([][]byte{[]byte("s3cret")})
	for label, want := range map[string]string{
		"busy":                  "busy",
		"http_503":              "http_503",
		"":                      "",
		"Busy":                  "",
		"a b":                   "",
		"is_s3cret":             "",
		strings.Repeat("x", 64): strings.Repeat("x", 64),
		strings.Repeat("x", 65): "",
	} {
		if got := s.Code(label); got != want {
			t.Errorf("code of %q is %q, want %q", label, got, want)
		}
	}
}
