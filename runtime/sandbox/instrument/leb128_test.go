package instrument

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestLEB128(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, v := rapid.Int32().Draw(t, "signed"), rapid.Uint32().Draw(t, "unsigned")
		for _, bits := range []int{32, 33, 64} {
			r := reader{b: appendS32(nil, s)}
			if got := r.signed(bits); got != int64(s) || r.err != nil || r.more() {
				t.Fatalf("%d bits: %d, %v", bits, got, r.err)
			}
		}
		r := reader{b: appendU32(nil, v)}
		if got := r.u32(); got != v || r.err != nil || r.more() {
			t.Fatalf("%d, %v", got, r.err)
		}
	})
}

func TestLEB128Limits(t *testing.T) {
	for name, c := range map[string]struct {
		bytes []byte
		bits  int // 0 = unsigned, of 32
		want  int64
		ok    bool
	}{
		"largest u32":        {by(0xff, 0xff, 0xff, 0xff, 0x0f), 0, math.MaxUint32, true},
		"33 bits":            {by(0xff, 0xff, 0xff, 0xff, 0x1f), 0, 0, false},
		"long zero":          {by(0x80, 0x80, 0x80, 0x80, 0), 0, 0, true},
		"longer zero":        {by(0x80, 0x80, 0x80, 0x80, 0x80, 0), 0, 0, false},
		"cut":                {by(0x80), 0, 0, false},
		"smallest i32":       {by(0x80, 0x80, 0x80, 0x80, 0x78), 32, math.MinInt32, true},
		"largest i32":        {by(0xff, 0xff, 0xff, 0xff, 0x07), 32, math.MaxInt32, true},
		"i32 without a sign": {by(0xff, 0xff, 0xff, 0xff, 0x0f), 32, 0, false},
		"i32 of 6 bytes":     {by(0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), 32, 0, false},
		"largest i33":        {by(0xff, 0xff, 0xff, 0xff, 0x0f), 33, math.MaxUint32, true},
		"smallest i33":       {by(0x80, 0x80, 0x80, 0x80, 0x70), 33, -1 << 32, true},
		"i33 too large":      {by(0xff, 0xff, 0xff, 0xff, 0x1f), 33, 0, false},
		"long -1":            {by(0xff, 0xff, 0xff, 0xff, 0x7f), 33, -1, true},
		"smallest i64":       {by(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f), 64, math.MinInt64, true},
		"i64 too large":      {by(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01), 64, 0, false},
	} {
		r := reader{b: c.bytes}
		var got int64
		if c.bits == 0 {
			got = int64(r.u32())
		} else {
			got = r.signed(c.bits)
		}
		if got != c.want || (r.err == nil) != c.ok {
			t.Errorf("%s: %d, %v", name, got, r.err)
		}
	}
}
