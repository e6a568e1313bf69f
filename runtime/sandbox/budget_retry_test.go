package sandbox

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// roomLimit is the budget of tests in which others use nearly all memory.
const roomLimit = 256 << 20

// keeper is a source that allocates some megabytes, and continues with less if it gets no more.
func keeper(megabytes, value int) string {
	return fmt.Sprintf(`const a = []
		try { for (let i = 0; i < %d; i++) a.push(new Uint8Array(1e6).fill(%d)) } catch {}
		export default () => a.length`, megabytes, value)
}

// leaves takes all but room bytes of a budget until end is called.
func leaves(t *testing.T, b *Budget, room int64) (end func()) {
	t.Helper()
	b.reclaim(b.limit.Load())
	n := b.limit.Load() - b.used.Load() - room
	if n <= 0 || !b.take(n) {
		t.Fatalf("%d bytes are free, less than %d", n+room, room)
	}
	return func() { b.give(n) }
}

// afterWaiting calls end once do waits for memory, and returns the result of do.
func afterWaiting[T any](t *testing.T, b *Budget, end func(), do func() T) T {
	t.Helper()
	done := make(chan T, 1)
	go func() { done <- do() }()
	for b.waiting.Load() == 0 {
		select {
		case r := <-done:
			end()
			t.Error("nobody has waited")
			return r
		default:
			time.Sleep(time.Millisecond)
		}
	}
	end()
	return <-done
}

// rooms are the bytes that others leave: too few to start an instance, to grow it, or to make a
// snapshot of it.
var rooms = []int64{0, 1 << 20, 4 << 20, 12 << 20, 30 << 20}

// If others use the memory that preparing needs, for whatever part of it, preparing waits. Its
// result is the usual one.
func TestPreparingWaitsForMemory(t *testing.T) {
	h := newHostWith(t, Options{Budget: NewBudget(roomLimit)})
	h.memoryPatience = time.Minute
	m := loadCode(t, h, Limits{})
	for i, room := range rooms {
		t.Run(fmt.Sprint(room), func(t *testing.T) {
			p := withSource(t, m, keeper(20, i))
			failure := afterWaiting(t, m.budget, leaves(t, m.budget, room), func() error {
				r, _, err := p.Prepare(t.Context(), 0)
				if err == nil && r.Kind != abi.Output {
					err = errors.New(string(r.Output))
				}
				return err
			})
			if failure != nil {
				t.Error(failure)
			}
			if got := outcomeOfPrepared(p, `1`); got != "20" {
				t.Errorf("it keeps %s MB, want 20", got)
			}
		})
	}
}

// Preparing without memory is distinguished from errors of the module or its config.
func TestFullBudgetIsNotTheNodesError(t *testing.T) {
	h := newHostWith(t, Options{Budget: NewBudget(roomLimit)})
	h.memoryPatience = time.Millisecond
	m := loadCode(t, h, Limits{})
	for i, room := range rooms[1:] {
		t.Run(fmt.Sprint(room), func(t *testing.T) {
			end := leaves(t, m.budget, room)
			p := withSource(t, m, keeper(20, i))
			for range 2 {
				_, _, err := p.Prepare(t.Context(), 0)
				if full := (*BudgetFullError)(nil); !errors.As(err, &full) || full.Need <= room || full.Need > roomLimit {
					t.Errorf("%v: %+v", err, full)
				}
			}
			if n := len(m.prepared.entries); n != 0 {
				t.Errorf("%d snapshots are cached", n)
			}
			end()
			if got := outcomeOfPrepared(p, `1`); got != "20" {
				t.Errorf("afterwards it keeps %s MB, want 20", got)
			}
		})
	}
}

// A need above the limit is rejected at once, and others are not named as the reason.
func TestNeedAboveTheLimit(t *testing.T) {
	const limit = 70 << 20
	h := newHostWith(t, Options{Budget: NewBudget(limit)})
	h.memoryPatience = time.Minute
	m := loadCode(t, h, Limits{})
	_, _, err := withSource(t, m, keeper(40, 1)).Prepare(t.Context(), 0)
	fails(t, err, CodeMemory)
	if full := (*BudgetFullError)(nil); errors.As(err, &full) {
		t.Errorf("%v: %v", err, full)
	}
}

// A module whose memory others use is loaded when they end, or is distinguished from an invalid
// one.
func TestLoadingWaitsForMemory(t *testing.T) {
	h := newHostWith(t, Options{Budget: NewBudget(roomLimit)})
	file, _, _ := nodes.Find("code")
	code := ModuleConfig{Type: "code", Source: "built in", Wasm: file.Wasm, Grants: hostapi.Grants{Log: true}}
	for i, room := range []int64{0, 1 << 18, 1 << 20} {
		code.Limits.NoSnapshot = i == 0
		h.memoryPatience, h.trialTimeout = time.Millisecond, time.Minute
		began := time.Now()
		end := leaves(t, h.options.Budget, room)
		_, err := h.Load(t.Context(), code)
		if full := (*BudgetFullError)(nil); !errors.As(err, &full) {
			t.Errorf("beside %d bytes: %v", room, err)
		}
		if d := time.Since(began); d > h.trialTimeout/2 {
			t.Errorf("it has waited for %v, as if the module took the time", d)
		}
		h.memoryPatience = time.Minute
		m := afterWaiting(t, h.options.Budget, end, func() *Module {
			m, err := h.Load(t.Context(), code)
			if err != nil {
				t.Error(err)
			}
			return m
		})
		if m != nil {
			if err := m.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}
