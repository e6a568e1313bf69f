package sandbox

import (
	"context"
	goruntime "runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// counting is a guest that repeats a loop once per byte of its input.
func counting() guest {
	g := says(abi.Output, "1")
	// n = len; loop { if n == 0 return; n-- }
	g.funcs[1] = run([]byte{0x03, 0x40}, local(1), []byte{0x04, 0x40}, local(1), i32c(-1), add, []byte{0x21, 1}, []byte{0x0c, 1}, []byte{0x0b, 0x0b},
		returnPacked(abi.Output, dataAt, 1))
	return g
}

// The same call burns the same fuel with each way to reset, and ends with the same budget.
func TestFuelIsTheSameEachTime(t *testing.T) {
	burnt := make(map[int]uint64)
	everyReset(t, func(t *testing.T, h *Host) {
		m := load(t, h, counting().bytes(), small, hostapi.Grants{})
		for range 3 {
			for _, n := range []int{0, 1, 10, 1000, 60_000} {
				s := new(hostapi.Session)
				if _, err := m.Call(t.Context(), s, make([]byte, n), nil); err != nil {
					t.Fatal(err)
				}
				if want, ok := burnt[n]; ok && s.Fuel != want {
					t.Errorf("%d rounds burn %d, before %d", n, s.Fuel, want)
				}
				burnt[n] = s.Fuel
			}
		}
		if perRound := (burnt[60_000] - burnt[1000]) / 59_000; perRound < 4 || perRound > 12 {
			t.Errorf("a round burns %d", perRound)
		}
		for _, n := range []int{10, 1000, 60_000} {
			for budget, enough := range map[uint64]bool{burnt[n] - 1: false, burnt[n]: true, 1: false} {
				m.limits.Fuel = budget
				s := new(hostapi.Session)
				_, err := m.Call(t.Context(), s, make([]byte, n), nil)
				if enough && err != nil {
					t.Errorf("a budget of %d is not enough for %d: %v", budget, burnt[n], err)
				}
				if !enough {
					fails(t, err, CodeFuel)
					if s.Fuel <= budget || s.Fuel > budget+fuelSlice {
						t.Errorf("%d were burnt of a budget of %d", s.Fuel, budget)
					}
				}
			}
		}
	})
}

// Fuel and time are separate limits, and the error names the one that was reached.
func TestFuelOrTime(t *testing.T) {
	endless := node(forever, unreachable).bytes()
	limits := small
	limits.Timeout, limits.Fuel = time.Hour, 5_000_000
	_, err := load(t, newHost(t), endless, limits, hostapi.Grants{}).Call(t.Context(), new(hostapi.Session), nil, nil)
	fails(t, err, CodeFuel)
	limits.Timeout, limits.Fuel = 20*time.Millisecond, 1<<60
	_, err = load(t, newHost(t), endless, limits, hostapi.Grants{}).Call(t.Context(), new(hostapi.Session), nil, nil)
	fails(t, err, CodeTimeout)
}

// An instance continues to serve after a call that was stopped.
func TestAStoppedInstanceIsReused(t *testing.T) {
	g := says(abi.Output, "1")
	g.funcs[1] = run(local(1), []byte{0x04, 0x40}, forever, []byte{0x0b}, returnPacked(abi.Output, dataAt, 1))
	limits := small
	limits.Timeout = 10 * time.Millisecond
	m := load(t, newHost(t), g.bytes(), limits, hostapi.Grants{})
	for range 5 {
		_, err := m.Call(t.Context(), new(hostapi.Session), []byte("loop"), nil)
		fails(t, err, CodeTimeout)
		if r, err := m.Call(t.Context(), new(hostapi.Session), nil, nil); err != nil || string(r.Output) != "1" {
			t.Fatalf("the next call: %s, %v", r.Output, err)
		}
	}
	if n := m.instances.(registeredPool).live.Load(); n != 1 {
		t.Errorf("%d instances", n)
	}
}

// Guests that never return do not block Go's garbage collector or other goroutines. The test checks
// that nobody waits for the guests' end, not how long anything takes: the machine may be busy.
func TestGuestsYieldToTheCollector(t *testing.T) {
	limits := Limits{Memory: 1 << 20, Timeout: 5 * time.Minute}
	m := load(t, newHost(t), node(forever, unreachable).bytes(), limits, hostapi.Grants{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	for range goruntime.GOMAXPROCS(0) {
		all.Go(func() {
			_, err := m.Call(ctx, new(hostapi.Session), nil, nil)
			// and not a timeout: a stop that waits for the guests' end waits for that
			fails(t, err, CodeCancelled)
		})
	}
	for m.instances.(registeredPool).live.Load() < int64(goruntime.GOMAXPROCS(0)) {
		goruntime.Gosched()
	}
	before := stops()
	for range 3 {
		goruntime.GC()
	}
	if after := stops(); after <= before {
		t.Error("the garbage collector has not stopped the world")
	}
	cancel()
	all.Wait()
}

// stops returns how often the garbage collector has stopped the world.
func stops() (n uint64) {
	sample := []metrics.Sample{{Name: "/sched/pauses/stopping/gc:seconds"}}
	metrics.Read(sample)
	for _, c := range sample[0].Value.Float64Histogram().Counts {
		n += c
	}
	return n
}

// A guest yields to a waiting goroutine after its turn, on the only processor.
func TestALongCallYieldsToGoroutines(t *testing.T) {
	defer goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(1))
	p := load(t, newHost(t), counting().bytes(), small, hostapi.Grants{}).instances.(registeredPool).pool
	in := newInstance(t, p)
	defer in.close()
	m := &in.memory.meter
	m.stack = &noGuestStack
	m.begin(t.Context(), time.Time{}, 0)
	defer m.end()
	var ran atomic.Bool
	go ran.Store(true)
	for range 3 { // more than once: now and then the scheduler goes on with who has just stopped
		m.resumed = time.Now().Add(-yieldAfter)
		m.yield()
	}
	if !ran.Load() {
		t.Error("nobody else ran")
	}
}
