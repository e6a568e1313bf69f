package storetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/store"
)

// Follower follows an engine, records what it delivers, and fails its test if a batch breaks the
// engine's promises.
type Follower struct {
	Engine store.Engine

	t      *testing.T
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	view   View
	moved  chan struct{} // closed and replaced when view changes
	reject error
}

// View is what a Follower has recorded.
type View struct {
	Batches []store.Batch
	States  []store.State // as reported
	Errors  []error       // of States
	Content map[string]string
}

// State returns the last state; "" = none yet.
func (v View) State() store.State {
	if len(v.States) == 0 {
		return ""
	}
	return v.States[len(v.States)-1]
}

// Err returns the error of the last state.
func (v View) Err() error {
	if len(v.Errors) == 0 {
		return nil
	}
	return v.Errors[len(v.Errors)-1]
}

// Resets returns the number of batches that were resets.
func (v View) Resets() int {
	n := 0
	for _, b := range v.Batches {
		if b.Reset {
			n++
		}
	}
	return n
}

// Follow follows an open engine until Stop or the end of the test.
func Follow(t *testing.T, e store.Engine) *Follower {
	ctx, cancel := context.WithCancel(context.Background())
	f := &Follower{Engine: e, t: t, cancel: cancel, done: make(chan struct{}), moved: make(chan struct{})}
	go func() {
		defer close(f.done)
		if err := e.Follow(ctx, f.apply, f.report); !errors.Is(err, context.Canceled) {
			t.Errorf("following: %v, want %v", err, context.Canceled)
		}
	}()
	t.Cleanup(f.Stop)
	return f
}

// Stop stops following and waits until it has ended.
func (f *Follower) Stop() {
	f.cancel()
	select {
	case <-f.done:
	case <-time.After(Patience):
		f.t.Error("following does not end with its context")
	}
}

// Reject makes the follower reject the next batches with err; nil accepts them again.
func (f *Follower) Reject(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reject = err
}

func (f *Follower) apply(b store.Batch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reject != nil {
		return f.reject
	}
	f.check(b)
	next := maps.Clone(f.view.Content)
	if b.Reset {
		next = make(map[string]string)
	}
	for _, e := range b.Put {
		next[e.Key] = string(e.Value)
	}
	for _, key := range b.Delete {
		delete(next, key)
	}
	f.view.Content = next
	f.view.Batches = append(slices.Clip(f.view.Batches), b)
	f.notify()
	return nil
}

// check checks a batch against the promises of store.Batch.
func (f *Follower) check(b store.Batch) {
	keys := make(map[string]bool)
	for _, e := range b.Put {
		if keys[e.Key] {
			f.t.Errorf("key %s is in a batch twice", e.Key)
		}
		keys[e.Key] = true
		if e.Revision < 1 || e.Revision > b.Revision {
			f.t.Errorf("key %s has revision %d in a batch of revision %d", e.Key, e.Revision, b.Revision)
		}
	}
	for _, key := range b.Delete {
		if keys[key] {
			f.t.Errorf("key %s is in a batch twice", key)
		}
		keys[key] = true
	}
	if b.Stale || b.LastValid != nil {
		f.t.Error("an engine made a batch that only a mirror makes")
	}
	if n := len(f.view.Batches); n == 0 {
		if !b.Reset {
			f.t.Error("the first batch is not the whole content")
		}
	} else if before := f.view.Batches[n-1].Revision; !b.Reset && b.Revision <= before {
		f.t.Errorf("revision %d follows %d", b.Revision, before)
	}
}

func (f *Follower) report(s store.State, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s != store.Live && s != store.Cached && s != store.Failed || (s == store.Live) != (err == nil) {
		f.t.Errorf("reported state %q with error %v", s, err)
	}
	f.view.States = append(slices.Clip(f.view.States), s)
	f.view.Errors = append(slices.Clip(f.view.Errors), err)
	f.notify()
}

// notify announces that view has changed. The caller holds mu.
func (f *Follower) notify() {
	close(f.moved)
	f.moved = make(chan struct{})
}

// View returns what was recorded so far.
func (f *Follower) View() View {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.view
}

// Wait waits until ok returns true for the view, and returns that view.
func (f *Follower) Wait(what string, ok func(View) bool) View {
	f.t.Helper()
	timeout := time.After(Patience)
	for {
		f.mu.Lock()
		v, moved := f.view, f.moved
		f.mu.Unlock()
		if ok(v) {
			return v
		}
		select {
		case <-moved:
		case <-timeout:
			f.t.Fatalf("waiting for %s: state %q, error %v, %d reports, %d batches, %d keys",
				what, v.State(), v.Err(), len(v.States), len(v.Batches), len(v.Content))
		}
	}
}

// WaitState waits for a state.
func (f *Follower) WaitState(s store.State) View {
	f.t.Helper()
	return f.Wait(string(s), func(v View) bool { return v.State() == s })
}

// WaitRevision waits for the batch of a write.
func (f *Follower) WaitRevision(revision int64) View {
	f.t.Helper()
	return f.Wait("a revision", func(v View) bool {
		return len(v.Batches) > 0 && v.Batches[len(v.Batches)-1].Revision >= revision
	})
}

// WaitContent waits for a content.
func (f *Follower) WaitContent(want map[string]string) View {
	f.t.Helper()
	return f.Wait("a content", func(v View) bool { return maps.Equal(v.Content, want) })
}
