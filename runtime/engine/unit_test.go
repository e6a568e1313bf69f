package engine

import (
	"strings"
	"testing"
	"time"
)

func TestLimitsHaveDefaults(t *testing.T) {
	if got := (Limits{}).withDefaults(); got != DefaultLimits() {
		t.Errorf("%+v", got)
	}
	given := Limits{1, 2, 3, 4, 5, 6, 7, 8}
	if got := given.withDefaults(); got != given {
		t.Errorf("%+v", got)
	}
}

func TestMemoryBudget(t *testing.T) {
	a := memoryBudget{limit: 10}
	if !a.reserve(6) || !a.reserve(4) || a.free() != 0 {
		t.Error("10 bytes do not fit into 10")
	}
	if a.reserve(1) || a.used.Load() != 10 {
		t.Error("11 bytes fit into 10, or were counted though they did not")
	}
	a.release(4)
	if a.free() != 4 {
		t.Errorf("%d free, want 4", a.free())
	}
}

func TestLast(t *testing.T) {
	for _, c := range []struct {
		states []NodeState
		want   int
	}{
		{[]NodeState{Completed}, 0},
		{[]NodeState{Completed, Skipped, NotRun}, 0},
		{[]NodeState{Completed, Completed, Skipped, Completed, Stopped, NodeFailed}, 3},
	} {
		r := &Result{Nodes: make([]NodeResult, len(c.states))}
		for i, s := range c.states {
			r.Nodes[i].State = s
		}
		if got := r.Last(); got != c.want {
			t.Errorf("last of %v is %d, want %d", c.states, got, c.want)
		}
	}
}

func TestNewID(t *testing.T) {
	now := time.UnixMilli(1_774_000_000_000)
	e := New(Config{Clock: func() time.Time { return now }})
	a := e.NewID()
	if len(a) != len("exec-")+26 || !strings.HasPrefix(a, "exec-") || strings.ToLower(a) != a {
		t.Errorf("id %q", a)
	}
	if b := e.NewID(); b == a || b[:15] != a[:15] {
		t.Errorf("ids %q and %q of the same time: want the same beginning and not the same end", a, b)
	}
	now = now.Add(time.Millisecond)
	if b := e.NewID(); b <= a {
		t.Errorf("%q does not sort behind %q", b, a)
	}
}
