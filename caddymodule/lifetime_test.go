package caddymodule

import (
	"slices"
	"sync"
	"testing"
)

func TestLifetimeReleasesInReverse(t *testing.T) {
	l := newLifetime()
	var order []string
	for _, name := range []string{"first", "second"} {
		l.onEnd(func() error { order = append(order, name); return nil })
	}
	if err := l.end(); err != nil || !slices.Equal(order, []string{"second", "first"}) {
		t.Errorf("released %q, %v", order, err)
	}
	if l.enter() {
		t.Error("a released config can still be used")
	}
	l.hold()() // an executor that drains has nothing to keep any more
	if len(order) != 2 {
		t.Errorf("released again: %q", order)
	}
}

func TestLifetimeWaitsForUsers(t *testing.T) {
	l := newLifetime()
	released := make(chan struct{})
	l.onEnd(func() error { close(released); return nil })
	for range 2 {
		if !l.enter() {
			t.Fatal("a new config cannot be used")
		}
	}
	if err := l.end(); err != nil {
		t.Fatal(err)
	}
	l.leave()
	select {
	case <-released:
		t.Fatal("released while in use")
	default:
	}
	if !l.enter() {
		t.Error("a config that is still in use takes no more users")
	}
	l.leave()
	l.leave()
	<-released
}

func TestLifetimeHammer(t *testing.T) {
	l := newLifetime()
	released := make(chan struct{})
	l.onEnd(func() error { close(released); return nil })
	var users sync.WaitGroup
	for range 8 {
		users.Go(func() {
			for range 1000 {
				if !l.enter() {
					return // without leave
				}
				select {
				case <-released:
					t.Error("released while in use")
				default:
				}
				l.leave()
			}
		})
	}
	if err := l.end(); err != nil {
		t.Error(err)
	}
	users.Wait()
	<-released
}
