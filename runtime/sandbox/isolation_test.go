package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/flowtrux/edge/internal/wasmbuild"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// kind is a kind of guest with the harm that it can do.
type kind struct {
	name   string
	wasm   []byte
	limits Limits
	harm   []string // inputs
	good   []string // inputs with a result
}

// buildMischief compiles the guest in C once.
var buildMischief = sync.OnceValues(func() ([]byte, error) { return wasmbuild.C(context.Background(), "testdata/c/mischief.c") })

func kinds(t *testing.T) []kind {
	t.Helper()
	loadGuest(t)
	c, err := buildMischief()
	if err != nil {
		t.Fatal(err)
	}
	limits := Limits{Memory: 8 << 20, Timeout: 20 * time.Millisecond, Output: 1 << 20}
	return []kind{
		{"hand-made", everyGlobal().bytes(), limits, []string{"1", "2", "3"}, []string{"", "1"}},
		{"C", c, limits, []string{`"f"`, `"g"`, `"t"`, `"s"`, `"l"`, `"m"`, `"long` + string(bytes.Repeat([]byte("x"), 69000)) + `"`}, []string{`"a"`, `"bc"`, `"f"`, `"g"`}},
		{
			"Go", goGuest.wasm,
			Limits{Memory: 16 << 20, Timeout: 20 * time.Millisecond},
			[]string{
				`"count"`, `"count and panic"`, `"exit"`, `"hoard"`, `"goroutine panic"`, `"recurse"`, `"loop"`, `"leave goroutines"`,
				`"` + string(bytes.Repeat([]byte("x"), 200_000)) + `"`,
			},
			[]string{`"count"`, `"count and panic"`, `"clock"`, `"random"`, `"environment"`, `"route"`},
		},
	}
}

// everyGlobal is a guest that changes memory and globals of each type, grows, and traps with an
// input of 2 or more bytes.
func everyGlobal() guest {
	g := says(abi.Output, "1")
	g.globals = 3
	g.funcs[1] = run(
		getGlobal(0), i32c(7), add, setGlobal(0), i32c(-1), setGlobal(2),
		i32c(60_000), i32c(99), store8, i32c(3), grow, drop, i32c(200_000), i32c(98), store8,
		local(1), i32c(1), []byte{0x4a}, []byte{0x04, 0x40}, unreachable, []byte{0x0b},
		returnPacked(abi.Output, dataAt, 1))
	return g
}

// state is the whole state of an instance, except for its stack, which belongs to one call.
type state struct {
	memory  []byte
	globals []uint64
}

func (in *instance) state() state {
	m, _ := in.module.Memory().Read(0, in.module.Memory().Size())
	s := state{memory: bytes.Clone(m)}
	for _, g := range in.globals {
		s.globals = append(s.globals, g.Get())
	}
	return s
}

func (s state) differs(t *testing.T, want state, after string) {
	t.Helper()
	if len(s.memory) != len(want.memory) {
		t.Errorf("after %.20s the memory has %d bytes, want %d", after, len(s.memory), len(want.memory))
		return
	}
	for i := range s.memory {
		if s.memory[i] != want.memory[i] {
			t.Errorf("after %.20s byte %d is %#x, want %#x", after, i, s.memory[i], want.memory[i])
			break
		}
	}
	if !slices.Equal(s.globals, want.globals) {
		t.Errorf("after %.20s the globals are %v, want %v", after, s.globals, want.globals)
	}
}

// Whatever a call has done, afterwards its instance equals a new one byte for byte.
func TestInstancesAreRestored(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			everyReset(t, func(t *testing.T, h *Host) {
				if h.options.Reset == ResetNever {
					return // there is nothing to put back
				}
				m := load(t, h, k.wasm, k.limits, guestGrants)
				p := m.instances.(registeredPool).pool
				in := newInstance(t, p)
				defer in.close()
				pristine := in.state()
				fuel := m.limits.Fuel
				for _, input := range slices.Concat(k.harm, k.good) {
					for _, m.limits.Fuel = range []uint64{0, 1, 20_000} {
						_, _ = m.Call(t.Context(), &hostapi.Session{Grants: m.Grants()}, []byte(input), nil)
						in := p.take()
						if in == nil {
							t.Fatalf("%.20s: the instance is gone", input)
						}
						in.state().differs(t, pristine, input)
						p.put(in)
					}
				}
				m.limits.Fuel = fuel
				if n := p.live.Load(); n != 1 {
					t.Errorf("%d instances for one call at a time", n)
				}
			})
		})
	}
}

// A sequence of calls has the same results, and burns the same fuel, as if each had a new instance.
func TestEachCallIsLikeTheFirst(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			everyReset(t, func(t *testing.T, h *Host) {
				if h.options.Reset == ResetNever {
					return
				}
				m := load(t, h, k.wasm, k.limits, guestGrants)
				want := outcomesAlone(t, h.options.Reset, k)
				if k.name != "Go" { // which is warmed up, as a new instance for each call is not
					for input, slow := range outcomesAlone(t, ResetNever, k) {
						if w := want[input]; w.answer != slow.answer && !w.timed && !slow.timed {
							t.Errorf("%.20s: got %s, want %s", input, w.answer, slow.answer)
						}
					}
				}
				rapid.Check(t, func(t *rapid.T) {
					for _, input := range rapid.SliceOfN(rapid.SampledFrom(slices.Concat(k.harm, k.good)), 1, 6).Draw(t, "inputs") {
						got := outcomeOf(m, input)
						if w := want[input]; got != w && !w.timed && !got.timed {
							t.Fatalf("%.20s: got %+v, want %+v", input, got, w)
						}
					}
				})
			})
		})
	}
}

// outcome is the part of a call that its caller sees.
type outcome struct {
	answer string
	fuel   uint64
	timed  bool // it ended by the clock
}

func outcomeOf(m *Module, input string) outcome {
	s := &hostapi.Session{Seed: func() [32]byte { return [32]byte{1} }, Start: time.Unix(1_800_000_000, 0)}
	r, err := m.Call(context.Background(), s, []byte(input), nil)
	if e, ok := errors.AsType[*Error](err); ok {
		return outcome{e.Code + ": " + e.Message, s.Fuel, e.Code == CodeTimeout}
	}
	return outcome{fmt.Sprintf("%d %q %s", r.Kind, r.Label, r.Output), s.Fuel, false}
}

// outcomesAlone returns the outcome for each input as the only call of an instance.
func outcomesAlone(t *testing.T, way Reset, k kind) map[string]outcome {
	all := make(map[string]outcome)
	m := load(t, newHostWith(t, Options{Reset: way}), k.wasm, k.limits, guestGrants)
	for _, input := range slices.Concat(k.harm, k.good) {
		all[input] = outcomeOf(m, input)
		if from, ok := m.instances.(registeredPool); ok {
			from.reclaim(idleInstances, func() bool { return false })
			if n := from.live.Load(); n != 0 {
				t.Fatalf("%d instances are left after a call", n)
			}
		}
	}
	return all
}

// No request can read data of another one, however many run concurrently.
func TestCanariesStayUnread(t *testing.T) {
	const goroutines, calls = 16, 200
	c, err := buildMischief()
	if err != nil {
		t.Fatal(err)
	}
	everyReset(t, func(t *testing.T, h *Host) {
		m := load(t, h, c, Limits{Memory: 4 << 20, Timeout: time.Minute}, hostapi.Grants{})
		if h.options.Reset != ResetNever {
			limitInstances(m, 5) // calls have to wait for each other
		}
		var all sync.WaitGroup
		for g := range goroutines {
			all.Go(func() {
				random := rand.New(rand.NewPCG(uint64(g), 0))
				for i := range calls {
					if h.options.Reset == ResetNever && i > 20 {
						return // each is slow, and has nothing to read
					}
					canary := fmt.Sprintf(`"canary of %d in %d"`, g, i)
					if random.IntN(4) == 0 {
						canary = fmt.Sprintf(`"m%d"`, i) // overwrites all and traps
					}
					r, err := m.Call(context.Background(), new(hostapi.Session), []byte(canary), nil)
					if canary[1] == 'm' {
						if err == nil {
							t.Error("a trap gave an answer")
						}
						continue
					}
					if want := "[" + canary + ",22]"; err != nil || string(r.Output) != want {
						t.Errorf("got %s, %v, want %s", r.Output, err, want)
						return
					}
				}
			})
		}
		all.Wait()
		if h.options.Reset == ResetNever {
			return
		}
		p := m.instances.(registeredPool).pool
		if n := p.live.Load(); n > 5 {
			t.Errorf("%d instances, want at most 5", n)
		}
		// And the next one finds no trace of it.
		for in := p.take(); in != nil; in = p.take() {
			if memory := in.state().memory; bytes.Contains(memory, []byte("canary of")) {
				t.Error("a canary is in an instance that is free")
			}
			in.close()
			p.live.Add(-1)
		}
	})
}

// A module that cannot be reset gets a new instance for each call, reports the reason, and is as
// correct as any other.
func TestModulesWithObstaclesGetNewInstances(t *testing.T) {
	// The digit is the size that the table had before it grew.
	g := node(i32c(dataAt), tableGrow(3), i32c('0'), add, store8, returnPacked(abi.Output, dataAt, 1))
	g.data = "?"
	g.tables = [][]byte{{0x70, 0x00, 0x02}}
	m := load(t, newHost(t), g.bytes(), small, hostapi.Grants{})
	if slow := m.SnapshotObstacles(); len(slow) != 1 {
		t.Errorf("slow because of %q", slow)
	}
	for range 3 {
		if r, err := m.Call(t.Context(), new(hostapi.Session), nil, nil); err != nil || string(r.Output) != "2" {
			t.Errorf("the table had %s elements, %v", r.Output, err)
		}
	}
	asked := small
	asked.NoSnapshot = true
	if slow := load(t, newHost(t), says(abi.Output, "1").bytes(), asked, hostapi.Grants{}).SnapshotObstacles(); len(slow) != 1 {
		t.Errorf("slow because of %q", slow)
	}
}
