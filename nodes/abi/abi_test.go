package abi

import (
	"bytes"
	"go/parser"
	"go/token"
	"math"
	"strings"
	"testing"
)

func TestPackIsTheLayoutThatGuestsInOtherLanguagesWrite(t *testing.T) {
	for _, tt := range []struct {
		kind   Kind
		ptr, n uint32
		want   uint64
	}{
		{Output, 0, 0, 0},
		{Output, 1024, 5, 1024<<32 | 5},
		{Routed, 1024, 5, 1024<<32 | 1<<30 | 5},
		{Error, 1024, 5, 1024<<32 | 2<<30 | 5},
		{Fatal, math.MaxUint32, MaxLen, math.MaxUint64},
	} {
		got := Pack(tt.kind, tt.ptr, tt.n)
		if got != tt.want {
			t.Errorf("Pack(%d, %d, %d) = %#x, want %#x", tt.kind, tt.ptr, tt.n, got, tt.want)
		}
		if k, ptr, n := Unpack(got); k != tt.kind || ptr != tt.ptr || n != tt.n {
			t.Errorf("Unpack(%#x) = %d, %d, %d", got, k, ptr, n)
		}
	}
}

func TestLabel(t *testing.T) {
	long := strings.Repeat("x", MaxLabel)
	for _, tt := range []struct{ label, want, rest string }{
		{"", "", ""},
		{"", "", `{"a":1}`},
		{"high", "high", "null"},
		{long, long, "1"},
		{long + "y", long, "1"},
	} {
		payload := append(AppendLabel([]byte("before "), tt.label), tt.rest...)
		label, rest, ok := SplitLabel(bytes.TrimPrefix(payload, []byte("before ")))
		if !ok || string(label) != tt.want || string(rest) != tt.rest {
			t.Errorf("%d bytes of label: got %q, %q, %v", len(tt.label), label, rest, ok)
		}
	}
	for _, short := range []string{"", "\x01", "\x05four"} {
		if label, rest, ok := SplitLabel([]byte(short)); ok || label != nil || rest != nil {
			t.Errorf("%q: got %q, %q, %v; it is cut short", short, label, rest, ok)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(uint64(0))
	f.Add(uint64(math.MaxUint64))
	f.Add(Pack(Routed, 65536, 12))
	f.Fuzz(func(t *testing.T, packed uint64) {
		k, ptr, n := Unpack(packed)
		if k > Fatal || n > MaxLen {
			t.Errorf("%#x: kind %d, length %d", packed, k, n)
		}
		if again := Pack(k, ptr, n); again != packed {
			t.Errorf("%#x became %#x", packed, again)
		}
	})
}

func FuzzSplitLabel(f *testing.F) {
	f.Add([]byte("\x04high{}"))
	f.Add([]byte("\xff"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		label, rest, ok := SplitLabel(payload)
		if !ok {
			return
		}
		if again := append(AppendLabel(nil, string(label)), rest...); !bytes.Equal(again, payload) {
			t.Errorf("%q became %q", payload, again)
		}
	})
}

// Guests pay for each import with kilobytes.
func TestNoImports(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "abi.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range file.Imports {
		t.Errorf("package abi imports %s", i.Path.Value)
	}
}
