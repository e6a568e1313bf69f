package sandbox

import (
	"bytes"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// straight repeats a loop with 1000 copies of body: fuel for such code is low in proportion to its
// work.
func straight(body ...[]byte) []byte { return loop(bytes.Repeat(code(body...), 1000)) }

// dawdlers are guests whose instructions are slow for the fuel that they burn.
func dawdlers() map[string]guest {
	nothing := []byte{0xd0, 0x70} // ref.null func
	all := map[string]guest{
		"memory.grow by nothing":     guestOf(nil, straight(i32c(0), grow, drop)),
		"memory.grow by everything":  guestOf(nil, straight(i32c(-1), grow, drop)),
		"memory.grow by what can be": guestOf(nil, straight(i32c(1<<16), grow, drop)),
		"memory.fill": guestOf(nil,
			straight(i32c(0), i32c(0), i32c(60_000), []byte{0xfc, 0x0b, 0x00})),
		"memory.fill of nothing": guestOf(nil,
			straight(i32c(0), i32c(0), i32c(0), []byte{0xfc, 0x0b, 0x00})),
		"memory.copy": guestOf(nil,
			straight(i32c(0), i32c(1), i32c(60_000), []byte{0xfc, 0x0a, 0x00, 0x00})),
		"table.grow by nothing":    tabled(straight(tableGrow(0), drop)),
		"table.grow by everything": tabled(straight(tableGrow(-1), drop)),
		"table.fill": tabled(straight(i32c(0), nothing, i32c(1000),
			[]byte{0xfc, 0x11, 0x00})),
		"table.copy": tabled(straight(i32c(0), i32c(1), i32c(999),
			[]byte{0xfc, 0x0e, 0x00, 0x00})),
		"references": guestOf(nil, straight([]byte{0xd2, 0x01}, drop)),
		"divisions": guestOf(nil,
			straight(i64c(1<<63), i64c(3), []byte{0x7f}, drop)),
		"fd_write of empty buffers": guestOf(wasi("fd_write"),
			straight(i32c(1), i32c(8192), i32c(1024), i32c(0), call(0), drop)),
		"fd_read of empty buffers": guestOf(wasi("fd_read"),
			straight(i32c(0), i32c(8192), i32c(1024), i32c(0), call(0), drop)),
		"poll_oneoff of what is ready": guestOf(wasi("poll_oneoff"),
			straight(i32c(8192), i32c(0), i32c(64), i32c(0), call(0), drop)),
	}
	// A function this short without calls and loops is not charged by itself.
	leaf := guestOf(nil, straight(i64c(1<<62), call(2), drop))
	leaf.funcs = append(leaf.funcs,
		function{
			"", types(tI64), types(tI64), nil,
			code(local(0), bytes.Repeat(code(local(0), []byte{0x7f}), 49)),
		})
	all["divisions that are not charged"] = leaf
	for _, f := range hostapi.Offered() {
		if f.Name == "proc_exit" || f.Name == "abort" {
			continue
		}
		var harm []byte
		for _, p := range f.Params {
			if p == tI64 {
				harm = append(harm, i64c(1)...)
			} else {
				harm = append(harm, i32c(1)...)
			}
		}
		harm = append(harm, call(0)...)
		harm = append(harm, bytes.Repeat(drop, len(f.Results))...)
		all[f.Name] = guestOf(offered(f.Module, []string{f.Name}), straight(harm))
	}
	return all
}

// tabled is guestOf with a table of 1000 elements.
func tabled(harm []byte) guest {
	g := guestOf(nil, harm)
	g.tables = [][]byte{{0x70, 0x00, 0xe8, 0x07}}
	return g
}

// A call ends soon after its time limit, whatever it does. "Soon" is lenient: others may load the
// machine.
func TestCallsEndInTime(t *testing.T) {
	h := newHost(t)
	grants := hostapi.Grants{HTTP: true, Log: true, Globals: true, Random: true, Clock: true}
	for name, g := range dawdlers() {
		t.Run(name, func(t *testing.T) {
			m := load(t, h, g.bytes(), Limits{Memory: 1 << 20}, grants)
			began := time.Now()
			s := &hostapi.Session{
				Grants: grants, HTTP: outside{}, Globals: outside{},
				Deadline: began.Add(20 * time.Millisecond),
			}
			_, err := m.Call(t.Context(), s, []byte("x"), nil)
			took := time.Since(began)
			if name == "take" { // which is an error when there is nothing to take
				fails(t, err, CodeTrap)
			} else {
				fails(t, err, CodeTimeout)
			}
			if took > 2*time.Second {
				t.Errorf("the call took %v", took)
			}
			t.Log(took)
		})
	}
}

// Work of the host burns the guest's fuel as well, the same each time, and ends a call without
// fuel.
func TestHostCallsBurnFuel(t *testing.T) {
	grants := hostapi.Grants{Log: true}
	for _, name := range []string{
		"fd_write of empty buffers", "poll_oneoff of what is ready",
		"log", "random_get", "sched_yield", "fd_close",
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, newHost(t), dawdlers()[name].bytes(),
				Limits{Memory: 1 << 20, Fuel: 5_000_000}, grants)
			var burnt [2]uint64
			for i := range burnt {
				s := &hostapi.Session{Grants: grants}
				_, err := m.Call(t.Context(), s, []byte("x"), nil)
				fails(t, err, CodeFuel)
				burnt[i] = s.Fuel
			}
			if burnt[0] != burnt[1] {
				t.Errorf("%d are burnt, and then %d", burnt[0], burnt[1])
			}
		})
	}
}
