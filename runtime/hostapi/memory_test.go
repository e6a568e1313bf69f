package hostapi

import (
	"bytes"
	"testing"

	"github.com/flowtrux/edge/nodes/abi"
)

// All of the host's writes to a guest's memory are marked, even across granules, and no address
// reaches the marks.
func TestHostWritesAreMarkedDirty(t *testing.T) {
	const base, input, size = 1 << 16, 40_000, 3 * end
	s := &Session{Grants: GrantsOf("random")}
	g := newGuest(t, s)
	if _, ok := g.module.Memory().Grow(3); !ok {
		t.Fatal("the memory does not grow")
	}
	s.Memory = Memory{Base: base, Granule: 9}
	for name, params := range map[string]func(at uint64) []uint64{ // to write to at
		"args_sizes_get":    func(at uint64) []uint64 { return []uint64{at, at + 900} },
		"environ_sizes_get": func(at uint64) []uint64 { return []uint64{at + 900, at} },
		"clock_res_get":     func(at uint64) []uint64 { return []uint64{0, at} },
		"clock_time_get":    func(at uint64) []uint64 { return []uint64{0, 0, at} },
		"random_get":        func(at uint64) []uint64 { return []uint64{at, 3000} },
		"poll_oneoff":       func(at uint64) []uint64 { return []uint64{input + 16, at, 1, at + 900} },
		"fd_write":          func(at uint64) []uint64 { return []uint64{1, input, 1, at} },
		"fd_read":           func(at uint64) []uint64 { return []uint64{0, input, 2, at + 4000} },
		"fd_fdstat_get":     func(at uint64) []uint64 { return []uint64{0, at} },
		abi.ImportTake:      func(at uint64) []uint64 { return []uint64{at} },
	} {
		for _, at := range []uint32{0, 505, 511, 1020, 60_000, size - 4096, 0xffff_0000, 0xffff_f000} {
			g.put(0, make([]byte, base))
			g.put(base, bytes.Repeat([]byte{0xa5}, size))
			g.put(base+input, make([]byte, 16+subscriptionSize))
			g.put32(base+input, at, 700, at+1500, 900)
			s.Pipe(bytes.Repeat([]byte("in"), 600), 1<<20)
			s.putResult(abi.Output, "", bytes.Repeat([]byte("answer"), 200))
			before := g.get(base, size)
			_, err := g.try(name, params(uint64(at))...)
			if err != nil && at < size {
				t.Fatalf("%s at %#x: %v", name, at, err)
			}
			marks, wrote := g.get(0, base), false
			for i, b := range g.get(base, size) {
				if b == before[i] {
					continue
				}
				if wrote = true; marks[i>>s.Memory.Granule] != 1 {
					t.Fatalf("%s at %#x: byte %#x was written to and is not marked", name, at, i)
				}
			}
			if inside := at < size; wrote != inside {
				t.Errorf("%s at %#x: something was written: %t", name, at, wrote)
			}
			if at >= size && !bytes.Equal(marks, make([]byte, base)) {
				t.Errorf("%s at %#x leads to the marks", name, at)
			}
		}
	}
}
