package engine

import (
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/flowtrux/edge/runtime/flow"
)

func TestBackoff(t *testing.T) {
	const second = time.Second
	for _, c := range []struct {
		backoff, most time.Duration
		failed        int
		random        float64
		want          time.Duration
	}{
		{second, time.Minute, 1, 0, second / 2},
		{second, time.Minute, 1, 0.5, 3 * second / 4},
		{second, time.Minute, 2, 0, second},
		{second, time.Minute, 3, 0.5, 3 * second},
		{second, time.Minute, 7, 0, 30 * second},
		{second, time.Minute, 20, 0.5, 45 * second},
		{second, 3 * second, 2, 0, second},
		{second, 3 * second, 3, 0, 3 * second / 2},
		{second, second, 20, 0, second / 2},
		{0, time.Minute, 5, 0.5, 0},
		{time.Hour, time.Hour, 1 << 30, 0, time.Hour / 2},
	} {
		if got := backoff(flow.Retry{Backoff: c.backoff, MaxBackoff: c.most}, c.failed, c.random); got != c.want {
			t.Errorf("backoff %v up to %v after %d failures, random %v: %v, want %v", c.backoff, c.most, c.failed, c.random, got, c.want)
		}
	}
}

func TestMessageLine(t *testing.T) {
	var s secretTexts
	s.add([][]byte{[]byte("token"), []byte("token-long"), []byte("two\nlines"), []byte(`say "x"`), nil})
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
		got := s.line(c.in, maxMessage)
		if got != c.want {
			t.Errorf("line of %q is %q, want %q", c.in, got, c.want)
		}
	}
}

// TestManySecrets wants an end: with work that is quadratic in the texts it would run for hours.
func TestManySecrets(t *testing.T) {
	texts := make([][]byte, 200_000)
	for i := range texts {
		texts[i] = strconv.AppendInt(nil, int64(i), 10)
	}
	var s secretTexts
	for range 2 { // as items of forEach do
		s.add(texts)
	}
	if got := s.atLeast(1); len(got) != len(texts) || got[0] != "100000" {
		t.Errorf("%d texts, the first is %s", len(got), got[0])
	}
}

func TestMessageThatWasCut(t *testing.T) {
	var s secretTexts
	s.add([][]byte{[]byte("token-long")})
	filled := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct{ in, want string }{
		{filled(507) + "token", filled(507) + "***"},
		{filled(508) + "toke", filled(508) + "***"},
		{filled(502) + "token-long", filled(502) + "***"},
		{filled(509) + "tok", filled(509) + "tok"}, // can be anything
		{"the token", "the token"},                 // was not cut
	} {
		if got := s.message(c.in); got != c.want {
			t.Errorf("message of %q is %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzMessageLine(f *testing.F) {
	f.Add("token token\n", "token")
	f.Add("\xff\u2028\x00ä", "ä")
	f.Fuzz(func(t *testing.T, text, secret string) {
		var s secretTexts
		s.add([][]byte{[]byte(secret)})
		got := s.line(text, maxMessage)
		if len(got) > maxMessage || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("line of %q is %q", text, got)
		}
		if secret != "" && utf8.ValidString(text) && !strings.ContainsAny(secret, mask) && strings.Contains(got, secret) &&
			!strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("line of %q shows %q: %q", text, secret, got)
		}
	})
}

func TestNodeCode(t *testing.T) {
	var s secretTexts
	s.add([][]byte{[]byte("s3cret")})
	for label, want := range map[string]string{
		"busy":                  "busy",
		"http_503":              "http_503",
		"":                      CodeNodeFailed,
		"Busy":                  CodeNodeFailed,
		"a b":                   CodeNodeFailed,
		"is_s3cret":             CodeNodeFailed,
		strings.Repeat("x", 64): strings.Repeat("x", 64),
		strings.Repeat("x", 65): CodeNodeFailed,
	} {
		if got := s.code(label); got != want {
			t.Errorf("code of %q is %q, want %q", label, got, want)
		}
	}
}

func TestLimitsHaveDefaults(t *testing.T) {
	if got := (Limits{}).withDefaults(); got != DefaultLimits() {
		t.Errorf("%+v", got)
	}
	given := Limits{1, 2, 3, 4, 5, 6, 7, 8}
	if got := given.withDefaults(); got != given {
		t.Errorf("%+v", got)
	}
}

func TestAccount(t *testing.T) {
	a := account{limit: 10}
	if !a.take(6) || !a.take(4) || a.free() != 0 {
		t.Error("10 bytes do not fit into 10")
	}
	if a.take(1) || a.used.Load() != 10 {
		t.Error("11 bytes fit into 10, or were counted though they did not")
	}
	a.give(4)
	if a.free() != 4 {
		t.Errorf("%d free, want 4", a.free())
	}
}

func TestLast(t *testing.T) {
	for _, c := range []struct {
		states []NodeState
		want   int
	}{
		{[]NodeState{Completed}, 0},
		{[]NodeState{Completed, Skipped, NotRun}, 0},
		{[]NodeState{Completed, Completed, Skipped, Completed, Stopped, NodeFailed}, 3},
	} {
		r := &Result{Nodes: make([]NodeResult, len(c.states))}
		for i, s := range c.states {
			r.Nodes[i].State = s
		}
		if got := r.Last(); got != c.want {
			t.Errorf("last of %v is %d, want %d", c.states, got, c.want)
		}
	}
}

func TestNewID(t *testing.T) {
	now := time.UnixMilli(1_774_000_000_000)
	e := New(Config{Clock: func() time.Time { return now }})
	a := e.NewID()
	if len(a) != len("exec-")+26 || !strings.HasPrefix(a, "exec-") || strings.ToLower(a) != a {
		t.Errorf("id %q", a)
	}
	if b := e.NewID(); b == a || b[:15] != a[:15] {
		t.Errorf("ids %q and %q of the same time: want the same beginning and not the same end", a, b)
	}
	now = now.Add(time.Millisecond)
	if b := e.NewID(); b <= a {
		t.Errorf("%q does not sort behind %q", b, a)
	}
}
