package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/embedded"
)

func TestSubscribersHaveTheSame(t *testing.T) {
	m, early, _ := mirror(t, store.MirrorOptions{Engine: local(t, t.TempDir())})
	early.waitLive()
	write(t, m, "workflows/a", "{}", "secrets/a", "s")

	late := record(t, m)
	batches, content := late.now() // at once
	if len(batches) != 1 || !batches[0].Reset || batches[0].Stale {
		t.Fatalf("a late subscriber got %+v", batches)
	}
	if want := map[string]string{"workflows/a": "{}", "secrets/a": "s"}; !maps.Equal(content, want) {
		t.Errorf("a late subscriber has %q, want %q", content, want)
	}

	early.cancel()
	before, _ := early.now()
	write(t, m, "globals/g", "1")
	if after, _ := early.now(); len(after) != len(before) {
		t.Error("a batch came after cancel")
	}
	if batches, content := late.now(); len(batches) != 2 || batches[1].Reset || content["globals/g"] != "1" {
		t.Errorf("after a write: %+v", batches)
	}
	early.cancel() // again

	closeMirror(t, m)
	if _, content := record(t, m).now(); len(content) != 3 {
		t.Errorf("a subscriber of a closed mirror has %q", content)
	}
}

// TestWriteIfComesBack checks that a mirror has what stood in the way of a conditional write when
// it returns, even if another mirror has written it a moment ago.
func TestWriteIfComesBack(t *testing.T) {
	dir := t.TempDir()
	servers := new(embedded.Servers)
	open := func() (*store.Mirror, *recorder) {
		e, err := embedded.New(embedded.Options{Servers: servers, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		m, r, _ := mirror(t, store.MirrorOptions{Engine: e})
		r.waitLive()
		return m, r
	}
	a, _ := open()
	b, _ := open()
	was := int64(0)
	for n := range 20 {
		value := strconv.Itoa(n)
		conditions := []store.Condition{{Key: "k", Revision: was}}
		revision, now, err := a.WriteIf(t.Context(), conditions, []store.Entry{{Key: "k", Value: []byte(value)}}, nil)
		if err != nil || now != nil {
			t.Fatalf("writing %s: %+v, %v", value, now, err)
		}
		none, now, err := b.WriteIf(t.Context(), conditions, []store.Entry{{Key: "k", Value: []byte("late")}}, nil)
		if err != nil || none != 0 || len(now) != 1 || now[0].Revision != revision || string(now[0].Value) != value {
			t.Fatalf("writing too late: revision %d, %+v, %v, want %d", none, now, err, revision)
		}
		if e, _ := b.Get("k"); e.Revision != revision {
			t.Fatalf("the mirror has revision %d, and said %d", e.Revision, revision)
		}
		was = revision
	}
	many := make([]store.Condition, store.MaxOps+1)
	for i := range many {
		many[i].Key = strconv.Itoa(i)
	}
	if _, _, err := a.WriteIf(t.Context(), many, []store.Entry{{Key: "k"}}, nil); !errors.Is(err, store.ErrTooLarge) {
		t.Error("with too many conditions:", err)
	}
	if revision, now, err := a.WriteIf(t.Context(), []store.Condition{{Key: "k"}}, nil, nil); err != nil || now != nil || revision < was {
		t.Errorf("writing nothing: %d, %+v, %v", revision, now, err)
	}
}

func TestAWriteIsThereWhenItReturns(t *testing.T) {
	m, r, _ := mirror(t, store.MirrorOptions{Engine: local(t, t.TempDir())})
	r.waitLive()
	var last int64
	for n := range 20 {
		value := strconv.Itoa(n)
		revision := write(t, m, "k/b", value, "k/a", value)
		if revision <= last {
			t.Fatalf("revision %d follows %d", revision, last)
		}
		last = revision
		if e, ok := m.Get("k/a"); !ok || string(e.Value) != value || e.Revision != revision {
			t.Fatalf("write %d reads as %+v", n, e)
		}
		if _, content := r.now(); content["k/b"] != value {
			t.Fatalf("write %d has not come to the subscriber", n)
		}
	}
	if list := m.List("k/"); len(list) != 2 || list[0].Key != "k/a" || list[1].Key != "k/b" {
		t.Errorf("list %+v", list)
	}
	if list := m.List("j"); len(list) != 0 {
		t.Errorf("list of nothing %+v", list)
	}
	if s := m.Status(); s.State != store.Live || s.Revision != last || s.Engine != "embedded" || s.Err != "" {
		t.Errorf("status %+v", s)
	}

	for _, del := range [][]string{nil, {"never"}} {
		if revision, err := m.Write(t.Context(), nil, del); err != nil || revision != last {
			t.Errorf("deleting %q: revision %d, %v; want %d", del, revision, err, last)
		}
	}
	if revision, err := m.Write(t.Context(), nil, []string{"k/a", "never"}); err != nil || revision <= last {
		t.Errorf("deleting: revision %d, %v", revision, err)
	}
	if _, ok := m.Get("k/a"); ok {
		t.Error("a deleted key is there")
	}
	if _, err := m.Write(t.Context(), make([]store.Entry, store.MaxOps), []string{"k"}); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("writing too many keys: %v", err)
	}
}

func TestAMirrorOpensOnceAndClosesOnce(t *testing.T) {
	m := store.NewMirror(store.MirrorOptions{Engine: local(t, t.TempDir())})
	if s := m.Status(); s.State != store.Loading || s.Revision != 0 || s.Since.IsZero() {
		t.Errorf("status before Open: %+v", s)
	}
	put := []store.Entry{{Key: "k", Value: []byte("v")}}
	if _, err := m.Write(t.Context(), put, nil); err == nil {
		t.Error("a mirror that is not open wrote")
	}
	var openers sync.WaitGroup
	for range 4 {
		openers.Go(func() {
			if err := m.Open(t.Context()); err != nil {
				t.Errorf("opening: %v", err)
			}
		})
	}
	openers.Wait()
	record(t, m).waitLive()
	closeMirror(t, m)
	closeMirror(t, m)
	if _, err := m.Write(t.Context(), put, nil); !errors.Is(err, store.ErrClosed) {
		t.Errorf("writing after Close: %v", err)
	}
	if err := m.Open(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("opening after Close: %v", err)
	}
	closeMirror(t, store.NewMirror(store.MirrorOptions{Engine: local(t, t.TempDir())}))
}

// counted is an engine that counts.
type counted struct {
	store.Engine
	opened, followed atomic.Int64
}

func (e *counted) Open(ctx context.Context) error {
	e.opened.Add(1)
	return e.Engine.Open(ctx)
}

func (e *counted) Follow(ctx context.Context, apply func(store.Batch) error, report func(store.State, error)) error {
	e.followed.Add(1)
	return e.Engine.Follow(ctx, apply, report)
}

// An engine can be opened before anything is served: a seed, for example, is imported later.
func TestAnOpenEngineIsNotFollowed(t *testing.T) {
	seed := t.TempDir()
	if err := os.Mkdir(filepath.Join(seed, "globals"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(seed, "globals", "k"), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &counted{Engine: local(t, t.TempDir())}
	m := store.NewMirror(store.MirrorOptions{Engine: e, Seed: seed})
	r := record(t, m)
	for range 2 {
		if err := m.OpenEngine(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if e.opened.Load() != 1 || e.followed.Load() != 0 {
		t.Errorf("opened %d times, followed %d times", e.opened.Load(), e.followed.Load())
	}
	if got, _ := r.now(); len(got) > 0 {
		t.Errorf("something is served: %v", got)
	}
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wait("the seed", func(b store.Batch) bool { return len(b.Put) == 1 })
	if e.opened.Load() != 1 {
		t.Errorf("opened %d times", e.opened.Load())
	}
	closeMirror(t, m)
}

func TestAFailedOpenCanBeRepeated(t *testing.T) {
	dir := t.TempDir()
	holder, _, _ := mirror(t, store.MirrorOptions{Engine: local(t, dir)})
	m := store.NewMirror(store.MirrorOptions{Engine: local(t, dir)})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := m.Open(ctx); !errors.Is(err, embedded.ErrInUse) {
		t.Fatalf("opening a directory twice: %v", err)
	}
	closeMirror(t, holder)
	if err := m.Open(t.Context()); err != nil {
		t.Fatalf("opening again: %v", err)
	}
	record(t, m).waitLive()
	closeMirror(t, m)
}

// quitter is an engine that breaks its promise to go on.
type quitter struct{ store.Engine }

func (quitter) Follow(context.Context, func(store.Batch) error, func(store.State, error)) error {
	return errors.New("enough")
}

func TestAnEngineThatQuitsIsToldOf(t *testing.T) {
	m, _, _ := mirror(t, store.MirrorOptions{Engine: quitter{local(t, t.TempDir())}})
	if s := waitState(t, m, store.Failed); s.Err != "enough" {
		t.Errorf("status %+v", s)
	}
}

// Everything at once, for the race detector and for what must hold at the end.
func TestHammer(t *testing.T) {
	m, r, _ := mirror(t, store.MirrorOptions{Engine: local(t, t.TempDir()), Cache: filepath.Join(t.TempDir(), "cache.json")})
	r.waitLive()
	var work sync.WaitGroup
	for w := range 4 {
		work.Go(func() {
			for n := range 25 {
				key := fmt.Sprintf("k/%d", n%5)
				write(t, m, key, fmt.Sprint(w, n))
				m.SetLastValid(key, []byte("kept"), int64(n))
				other := record(t, m)
				if _, content := other.now(); len(content) == 0 {
					t.Error("a subscriber got nothing")
				}
				m.List("k/")
				m.Status()
				other.cancel()
			}
		})
	}
	work.Wait()
	_, content := r.now()
	for _, e := range m.List("") {
		if content[e.Key] != string(e.Value) {
			t.Errorf("%s is %q in the mirror and %q at the subscriber", e.Key, e.Value, content[e.Key])
		}
	}
}
