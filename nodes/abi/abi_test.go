package abi

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPack(t *testing.T) {
	for _, c := range []struct {
		kind   Kind
		ptr, n uint32
		want   uint64
	}{
		{Output, 0, 0, 0},
		{Output, 1, 2, 0x1_0000_0002},
		{Routed, 0, 0, 0x4000_0000},
		{Error, 0, 1, 0x8000_0001},
		{Fatal, 0x10, 0x20, 0x10_c000_0020},
		{Fatal, math.MaxUint32, MaxLen, math.MaxUint64},
	} {
		if got := Pack(c.kind, c.ptr, c.n); got != c.want {
			t.Errorf("Pack(%d, %#x, %#x) = %#x, want %#x", c.kind, c.ptr, c.n, got, c.want)
		}
		if k, ptr, n := Unpack(c.want); k != c.kind || ptr != c.ptr || n != c.n {
			t.Errorf("Unpack(%#x) = %d, %#x, %#x", c.want, k, ptr, n)
		}
	}
}

func TestPackedAnswersSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := Kind(rapid.Uint8Range(0, 3).Draw(t, "kind"))
		ptr, n := rapid.Uint32().Draw(t, "ptr"), rapid.Uint32Range(0, MaxLen).Draw(t, "n")
		if k, p, l := Unpack(Pack(kind, ptr, n)); k != kind || p != ptr || l != n {
			t.Fatalf("%d %d %d became %d %d %d", kind, ptr, n, k, p, l)
		}
		packed := rapid.Uint64().Draw(t, "packed")
		if got := Pack(Unpack(packed)); got != packed {
			t.Fatalf("%#x became %#x", packed, got)
		}
	})
}

func TestValidTypeName(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "http-request": true, "a1-": true, strings.Repeat("x", MaxTypeName): true,
		"": false, strings.Repeat("x", MaxTypeName+1): false, "1a": false, "-a": false, "A": false, "aB": false, "a b": false, "a_b": false,
		"a.b": false, "é": false, "aé": false, "a\x00": false, "a/b": false,
	} {
		if got := ValidTypeName(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestLabel(t *testing.T) {
	for _, c := range []struct{ label, want string }{
		{"", "\x00"},
		{"high", "\x04high"},
		{strings.Repeat("x", MaxLabel), "\xff" + strings.Repeat("x", MaxLabel)},
		{strings.Repeat("x", MaxLabel+1), "\xff" + strings.Repeat("x", MaxLabel)},
	} {
		if got := AppendLabel([]byte("before"), c.label); string(got) != "before"+c.want {
			t.Errorf("%q: %q, want %q", c.label, got, c.want)
		}
	}
}

func TestSplitLabel(t *testing.T) {
	for _, c := range []struct {
		payload, label, rest string
		ok                   bool
	}{
		{"", "", "", false},
		{"\x00", "", "", true},
		{"\x00rest", "", "rest", true},
		{"\x04high", "high", "", true},
		{"\x04high{}", "high", "{}", true},
		{"\x05high", "", "", false},
		{"\xff", "", "", false},
	} {
		label, rest, ok := SplitLabel([]byte(c.payload))
		if string(label) != c.label || string(rest) != c.rest || ok != c.ok {
			t.Errorf("%q: %q, %q, %v", c.payload, label, rest, ok)
		}
	}
}

func FuzzSplitLabel(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("\x04high{}"))
	f.Add([]byte("\xffcut"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		label, rest, ok := SplitLabel(payload)
		if !ok {
			if label != nil || rest != nil || len(payload) > MaxLabel {
				t.Errorf("%q: %q, %q and not ok", payload, label, rest)
			}
			return
		}
		if again := append(AppendLabel(nil, string(label)), rest...); !bytes.Equal(again, payload) {
			t.Errorf("%q became %q", payload, again)
		}
	})
}
