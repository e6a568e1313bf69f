package rawjson

import (
	"bytes"
	"testing"
)

// Each byte, at each place in a text and beside each other one, is found as a loop over bytes finds
// it.
func TestSkipPlainFindsEachByte(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				b := bytes.Repeat([]byte{'x'}, length)
				b[at] = byte(c)
				checkSkips(t, b)
			}
		}
	}
	for low := range 256 {
		for high := range 256 {
			checkSkips(t, []byte{'x', byte(low), byte(high), 'x', 'x', 'x', 'x', 'x'})
		}
	}
}

// Whether a quote closes a string depends on all backslashes before it, back to the one that is
// escaped before.
func TestSkipStringFindsEachEnd(t *testing.T) {
	const letters, length = `"\x`, 9
	b := make([]byte, length)
	for n := range 19683 { // 3^9
		for i := range b {
			b[i] = letters[n%3]
			n /= 3
		}
		checkSkips(t, b)
	}
}

// FuzzSkip compares skipPlain and skipString with loops that take one byte after the other.
func FuzzSkip(f *testing.F) {
	for _, seed := range []string{pushEvent, `"plain"`, `\\\"\\"`, "\x1f\x20\x7f\x80\xff", "\"Gr\u00fc\u00dfe \u2013 \\\"first\\\"\\n\" x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkSkips(t, b) })
}

// checkSkips compares from each place in b.
func checkSkips(t *testing.T, b []byte) {
	t.Helper()
	for i := range min(len(b), 64) {
		want := i
		for want < len(b) && b[want] >= 0x20 && b[want] < 0x80 && b[want] != '"' && b[want] != '\\' {
			want++
		}
		if got := skipPlain(b, i); got != want {
			t.Fatalf("skipPlain(%q, %d) = %d, want %d", b, i, got, want)
		}
		if got, want := skipString(b, i), skipStringSlowly(b, i); got != want {
			t.Fatalf("skipString(%q, %d) = %d, want %d", b, i, got, want)
		}
	}
}

func skipStringSlowly(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(b)
}

// BenchmarkPlain is a text of a kilobyte, alone in what most of a body is.
func BenchmarkPlain(b *testing.B) {
	in := append(append([]byte{'"'}, bytes.Repeat([]byte("plain text "), 93)...), '"')
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if Check(in, 0) != nil {
			b.Fatal("not valid")
		}
	}
}
