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

// roomLimit is the budget of tests in which others have nearly all.
const roomLimit = 256 << 20

// keeper is a source that keeps some megabytes, and makes do with less when it gets no more.
func keeper(megabytes, value int) string {
	return fmt.Sprintf(`const a = []
		try { for (let i = 0; i < %d; i++) a.push(new Uint8Array(1e6).fill(%d)) } catch {}
		export default () => a.length`, megabytes, value)
}

// leaves has others take all of a budget but so many bytes, until it is told that they end.
func leaves(t *testing.T, b *Budget, room int64) (end func()) {
	t.Helper()
	b.reclaim(b.limit.Load())
	n := b.limit.Load() - b.used.Load() - room
	if n <= 0 || !b.take(n) {
		t.Fatalf("%d bytes are free, less than %d", n+room, room)
	}
	return func() { b.give(n) }
}

// afterWaiting ends what others have when somebody waits for it, and returns what do has returned.
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

// rooms are what others leave of a budget: too little to start an instance, to grow, or for an
// image beside that.
var rooms = []int64{0, 1 << 20, 4 << 20, 12 << 20, 30 << 20}

// When others have the memory that preparing takes, whatever it is for, it waits, and its answer is
// as ever.
func TestPreparingWaitsForRoom(t *testing.T) {
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
			if got := gives(p, `1`); got != "20" {
				t.Errorf("it keeps %s MB, want 20", got)
			}
		})
	}
}

// Preparing that had no room is told from what a module or its config is to blame for.
func TestNoRoomIsNobodysFault(t *testing.T) {
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
				t.Errorf("%d images are kept", n)
			}
			end()
			if got := gives(p, `1`); got != "20" {
				t.Errorf("afterwards it keeps %s MB, want 20", got)
			}
		})
	}
}

// What needs more than there can be is refused at once, and the reason is not others.
func TestNeedsMoreThanThereCanBe(t *testing.T) {
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

// A module for which others have the memory is loaded when they end, or told from one that is no
// good.
func TestLoadingWaitsForRoom(t *testing.T) {
	h := newHostWith(t, Options{Budget: NewBudget(roomLimit)})
	var code ModuleConfig
	for _, n := range nodes.Builtin() {
		if n.Type == "code" {
			code = ModuleConfig{Type: n.Type, Source: "built in", Wasm: n.Wasm, Grants: hostapi.GrantsOf(n.Capabilities...)}
		}
	}
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
