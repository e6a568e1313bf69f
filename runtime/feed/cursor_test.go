package feed

import "testing"

func FuzzParseCursor(f *testing.F) {
	for _, text := range []string{
		"", "-", "a-1", "a-01", "a-+1", "a--1", "-1", "a-18446744073709551615", "a-18446744073709551616", "a-1-2", "a b-3", "abcdef-0",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c := ParseCursor(text); c != (Cursor{}) && c.String() != text {
			t.Errorf("%q became %v", text, c)
		}
	})
}

func TestParseCursor(t *testing.T) {
	want := New(0).end()
	if got := ParseCursor(want.String()); got != want {
		t.Errorf("%v became %v", want, got)
	}
	for _, text := range []string{"", "-", "x", "x-", "-1", "x-01", "x-+1", "x-1 ", "x-1.0", "x-18446744073709551616"} {
		if got := ParseCursor(text); got != (Cursor{}) {
			t.Errorf("%q is the cursor %v", text, got)
		}
	}
}
