package drain_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/flowtrux/edge/internal/drain"
)

// drained reports whether Drained is closed.
func drained(g *drain.Group) bool {
	select {
	case <-g.Drained():
		return true
	default:
		return false
	}
}

func TestTheZeroValueIsOpen(t *testing.T) {
	var g drain.Group
	if !g.Idle() || drained(&g) {
		t.Error("a new group is not open and idle")
	}
	if !g.Enter() {
		t.Fatal("a new group lets nobody in")
	}
	if g.Idle() {
		t.Error("a group with a user is idle")
	}
	g.Leave()
	if !g.Idle() || drained(&g) {
		t.Error("a group whose user has left is not open and idle")
	}
}

func TestClose(t *testing.T) {
	var g drain.Group
	g.Enter()
	if !g.Close() || g.Close() {
		t.Error("the first Close is not told apart from the second")
	}
	if g.Enter() {
		t.Error("a closed group lets a user in")
	}
	if drained(&g) {
		t.Fatal("drained before the last user has left")
	}
	g.Leave()
	if !drained(&g) || g.Idle() {
		t.Error("not drained, or idle, after the last user has left")
	}
	if g.Enter() {
		t.Error("a drained group lets a user in")
	}
}

func TestCloseWithoutUsers(t *testing.T) {
	for name, end := range map[string]func(*drain.Group){
		"Close":         func(g *drain.Group) { g.Close() },
		"CloseWhenIdle": (*drain.Group).CloseWhenIdle,
		"TryClose":      func(g *drain.Group) { g.TryClose() },
	} {
		t.Run(name, func(t *testing.T) {
			var g drain.Group
			end(&g)
			if !drained(&g) || g.Enter() || g.Idle() {
				t.Error("the group is not closed")
			}
		})
	}
}

func TestCloseWhenIdle(t *testing.T) {
	var g drain.Group
	g.Enter()
	g.CloseWhenIdle()
	g.CloseWhenIdle()
	if !g.Enter() {
		t.Fatal("nobody can enter beside a user")
	}
	g.Leave()
	if drained(&g) || !g.Enter() {
		t.Fatal("it is closed while there is a user")
	}
	g.Leave()
	g.Leave()
	if !drained(&g) || g.Enter() || g.TryClose() || g.Close() {
		t.Error("it is not closed when the last user has left")
	}
}

func TestCloseAfterCloseWhenIdle(t *testing.T) {
	var g drain.Group
	g.Enter()
	g.CloseWhenIdle()
	if !g.Close() || g.Enter() {
		t.Error("Close lets users in after CloseWhenIdle")
	}
	g.Leave()
	if !drained(&g) {
		t.Error("not drained")
	}
}

func TestTryClose(t *testing.T) {
	var g drain.Group
	g.Enter()
	if g.TryClose() {
		t.Error("closed in spite of a user")
	}
	g.Leave()
	if !g.TryClose() || g.TryClose() || !drained(&g) {
		t.Error("an idle group is not closed once")
	}
}

func TestTheLastUserDrains(t *testing.T) {
	var g drain.Group
	g.Enter()
	g.Close()
	if drained(&g) {
		t.Error("drained with a user")
	}
	go g.Leave()
	<-g.Drained()
}

// Nobody is in when a group is drained, however users and closers meet.
func TestUsersAndClosersAtTheSameTime(t *testing.T) {
	for name, end := range map[string]func(*drain.Group){
		"Close":         func(g *drain.Group) { g.Close() },
		"CloseWhenIdle": (*drain.Group).CloseWhenIdle,
		"TryClose": func(g *drain.Group) {
			for !g.TryClose() && !drained(g) {
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 300 {
				var g drain.Group
				var in, late atomic.Int64
				var all sync.WaitGroup
				for range 4 {
					all.Go(func() {
						for range 50 {
							if !g.Enter() {
								return
							}
							in.Add(1)
							if drained(&g) {
								late.Add(1)
							}
							in.Add(-1)
							g.Leave()
						}
					})
				}
				for range 2 {
					all.Go(func() { end(&g) })
				}
				<-g.Drained()
				if n := in.Load(); n != 0 {
					t.Fatalf("drained with %d users", n)
				}
				all.Wait()
				if late.Load() > 0 {
					t.Fatal("a user was in after the group was drained")
				}
			}
		})
	}
}

func TestUsersCostNothing(t *testing.T) {
	var g drain.Group
	if n := testing.AllocsPerRun(100, func() {
		if g.Enter() {
			g.Leave()
		}
	}); n != 0 {
		t.Errorf("%v allocations a user", n)
	}
}

func BenchmarkEnterLeave(b *testing.B) {
	var g drain.Group
	b.ReportAllocs()
	for b.Loop() {
		if g.Enter() {
			g.Leave()
		}
	}
}
