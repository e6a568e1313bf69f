package main

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// echoModule is a minimal node that returns its input. Compiling a guest in Go would take a minute
// under the race detector.
var echoModule = []byte("\x00asm\x01\x00\x00\x00" +
	// types: (i32) -> i32, (i32, i32) -> i64
	"\x01\x0c\x02\x60\x01\x7f\x01\x7f\x60\x02\x7f\x7f\x01\x7e" +
	"\x03\x03\x02\x00\x01" + // a function of each
	"\x05\x03\x01\x00\x02" + // a memory of 2 pages
	"\x07\x18\x03\x06memory\x02\x00\x05alloc\x00\x00\x03run\x00\x01" +
	"\x0a\x14\x02" +
	"\x05\x00\x41\x80\x08\x0b" + // alloc: 1024
	"\x0c\x00\x20\x00\xad\x42\x20\x86\x20\x01\xad\x84\x0b") // run: ptr << 32 | len

// TestVariantsReturnTheSame calls a guest with each variant, more than once.
func TestVariantsReturnTheSame(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			g := guest{"echo", echoModule, kilobyte, nil}
			call, closed, err := v.load(t.Context(), g)
			if err != nil {
				t.Fatal(err)
			}
			defer closed()
			for _, in := range []string{string(kilobyte), `{}`, string(kilobyte)} {
				out, err := call(t.Context(), []byte(in), []byte("before"))
				// The sandbox returns the appended part, a reused instance all of dst.
				if err != nil || string(out) != in && string(out) != "before"+in {
					t.Fatalf("%s, %v; want %s", out, err, in)
				}
			}
			n, err := warmCalls(t.Context(), call, g)
			if err != nil || n < 10 {
				t.Errorf("%d calls in a round, %v", n, err)
			}
			if f, err := timeCalls(t.Context(), call, g, 10); err != nil || f.cpu <= 0 {
				t.Errorf("%+v, %v", f, err)
			}
			g.want = []byte("another")
			if _, err := warmCalls(t.Context(), call, g); err == nil {
				t.Error("a wrong output is not noticed")
			}
		})
	}
}

func TestOrdersAddUp(t *testing.T) {
	in, out := orderJSON(1024)
	if len(in) < 950 || len(in) > 1100 || !json.Valid(in) || !json.Valid(out) {
		t.Errorf("%d bytes: %s\n%s", len(in), in, out)
	}
}

func TestVariantsHaveTheirNames(t *testing.T) {
	for _, name := range []string{base, checked, "ours"} {
		if i := variantOf(name); i < 0 || variants[i].name != name {
			t.Errorf("%s is not measured", name)
		}
	}
}

func TestCallCells(t *testing.T) {
	var all [][]callFigure
	for i, v := range variants {
		micro := time.Duration(i+2) * time.Microsecond
		if v.name == base {
			micro = 500 * time.Nanosecond
		}
		// The median of each figure, not of rounds.
		all = append(all, []callFigure{{micro, 9}, {100 * micro, 0}, {micro / 10, 5}})
	}
	want := []string{"a guest", "2.00", "0.50", "4.00", "5.00", "4.00x", "8.00x", "10.0x", "5.00", "5.00", "5.00", "5.00"}
	if got := callCells("a guest", all); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestIsolationIsADifferenceInEachRound(t *testing.T) {
	all := make([][]callFigure, len(variants))
	all[variantOf(checked)] = []callFigure{{time.Microsecond, 0}, {10 * time.Microsecond, 0}, {2 * time.Microsecond, 0}}
	all[variantOf("ours")] = []callFigure{{1500 * time.Nanosecond, 0.001}, {11 * time.Microsecond, 0.02}, {2800 * time.Nanosecond, 0.004}}
	want := []mark{{goalIsolation, 0.8, "2.80 less 2.00 µs"}, {goalIsolationAllocations, 0, ""}}
	if got := isolationMarks(all); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
