package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/flowtrux/edge/runtime/store"
)

func empty(s *suite) {
	v := s.follow().WaitState(store.Live)
	if len(v.Batches) != 1 || !v.Batches[0].Reset || len(v.Content) != 0 {
		s.Fatalf("batches of an empty store: %+v", v.Batches)
	}
}

func whole(s *suite) {
	a := s.follow()
	want := content("workflows/a", "{}", "secrets/a", "\x00\xff\n", "globals/empty", "", "globals/a/b", "x")
	for k, v := range want {
		s.write(a, k, v)
	}
	last := s.write(a, "workflows/a", "{ }", "-globals/a/b")
	want["workflows/a"] = "{ }"
	delete(want, "globals/a/b")

	v := s.follow().WaitState(store.Live)
	if !maps.Equal(v.Content, want) || v.Resets() != len(v.Batches) {
		s.Errorf("content %q in %d batches", v.Content, len(v.Batches))
	}
	if r := v.Batches[0].Revision; r != last {
		s.Errorf("revision %d, want %d", r, last)
	}
	for _, e := range v.Batches[0].Put {
		if written := e.Key == "workflows/a"; (e.Revision == last) != written {
			s.Errorf("key %s has revision %d, the last write has %d", e.Key, e.Revision, last)
		}
	}
}

func changes(s *suite) {
	a, b := s.follow(), s.follow()
	var last int64
	for i, words := range [][]string{{"k", "1"}, {"k", "2"}, {"-k"}, {"k", "3"}, {"l", ""}, {"-l"}} {
		revision := s.write(a, words...)
		if revision <= last {
			s.Fatalf("revision %d follows %d", revision, last)
		}
		last = revision
		batch := b.Wait("a change", func(v View) bool { return len(v.Batches) > i+1 }).Batches[i+1]
		if batch.Reset || batch.Revision != revision || len(batch.Put)+len(batch.Delete) != 1 {
			s.Fatalf("batch of %q, revision %d: %+v", words, revision, batch)
		}
	}
	a.WaitContent(content("k", "3"))
	b.WaitContent(content("k", "3"))
}

func atomic(s *suite) {
	a, b := s.follow(), s.follow()
	s.write(a, "old", "1", "kept", "1")
	revision := s.write(a, "workflows/a", "{}", "secrets/a", "s", "kept", "2", "-old")
	v := b.WaitRevision(revision)
	batch := v.Batches[len(v.Batches)-1]
	if len(batch.Put) != 3 || len(batch.Delete) != 1 || batch.Delete[0] != "old" {
		s.Errorf("batch of the second write: %+v", batch)
	}
	b.WaitContent(content("workflows/a", "{}", "secrets/a", "s", "kept", "2"))
}

func deleteMissing(s *suite) {
	f := s.follow()
	s.write(f, "k", "1")
	if revision := s.write(f, "-never", "-was"); revision != 0 {
		s.Errorf("deleting nothing has revision %d", revision)
	}
	if revision := s.write(f, "-never", "-k"); revision == 0 {
		s.Error("deleting something has no revision")
	}
	f.WaitContent(content())
}

func prefixes(s *suite) {
	a := s.follow()
	others := make([]*Follower, 0, 3)
	// the first one becomes /suite/
	for _, p := range []string{"/suite", "/suite2/", "/suite/deep/"} {
		others = append(others, Follow(s.T, s.open(s.Engine(s.T, p))))
	}
	for _, f := range others {
		f.WaitState(store.Live)
	}
	s.write(others[1], "k", "beside")
	s.write(others[2], "k", "below")
	s.write(a, "k", "here")
	a.WaitContent(content("k", "here", "deep/k", "below"))
	others[0].WaitContent(content("k", "here", "deep/k", "below"))
	others[1].WaitContent(content("k", "beside"))
	others[2].WaitContent(content("k", "below"))
}

func thousands(s *suite) {
	a := s.follow()
	want := make(map[string]string)
	for n := 0; n < 2500; {
		var put []store.Entry
		for range min(store.MaxOps, 2500-n) {
			value := fmt.Sprintf(`{"name":"Order intake %d"}`, n)
			put = append(put, store.Entry{Key: key(n), Value: []byte(value)})
			want[key(n)] = value
			n++
		}
		if _, err := a.Engine.Write(s.context(), put, nil); err != nil {
			s.Fatalf("writing %d keys: %v", len(put), err)
		}
	}
	if v := s.follow().View(); !maps.Equal(v.Content, want) {
		s.Errorf("a new follower has %d keys, want %d", len(v.Content), len(want))
	}
	if v := a.WaitContent(want); v.Resets() != 1 {
		s.Errorf("the writer was reset %d times", v.Resets()-1)
	}
}

func large(s *suite) {
	a := s.follow()
	value := strings.Repeat("\x00\xfeabcdef", 1<<17)
	s.write(a, "k", value)
	a.WaitContent(content("k", value))
	s.follow().WaitContent(content("k", value))
}

func tooLarge(s *suite) {
	f := s.follow()
	_, err := f.Engine.Write(s.context(), []store.Entry{{Key: "k", Value: make([]byte, 8<<20)}}, nil)
	s.wantError("writing 8 MiB", err, store.ErrTooLarge)
	put := make([]store.Entry, store.MaxOps+1)
	for i := range put {
		put[i].Key = key(i)
	}
	_, err = f.Engine.Write(s.context(), put, nil)
	s.wantError("writing too many keys", err, store.ErrTooLarge)
	s.write(f, "k", "small")
	f.WaitContent(content("k", "small"))
}

func outlives(s *suite) {
	a := s.follow()
	revision := s.write(a, "k", "1")
	a.Stop()
	if err := a.Engine.Close(); err != nil {
		s.Fatalf("closing: %v", err)
	}
	b := s.follow()
	b.WaitContent(content("k", "1"))
	if again := s.write(b, "k", "2"); again <= revision {
		s.Errorf("revision %d follows %d", again, revision)
	}
}

func again(s *suite) {
	a, b := s.follow(), s.follow()
	s.write(a, "stays", "1", "goes", "1")
	b.WaitContent(content("stays", "1", "goes", "1"))
	b.Stop()
	s.write(a, "-goes")
	if v := Follow(s.T, b.Engine).WaitState(store.Live); !maps.Equal(v.Content, content("stays", "1")) {
		s.Errorf("content %q", v.Content)
	}
}

func refused(s *suite) {
	a, b := s.follow(), s.follow()
	b.WaitState(store.Live)
	reason := errors.New("it is refused")
	b.Reject(reason)
	s.write(a, "k", "1")
	v := b.WaitState(store.Failed)
	s.wantError("reported", v.Err(), reason)
	b.Reject(nil)
	if v := b.WaitContent(content("k", "1")); v.Resets() != 2 {
		s.Errorf("%d resets, want 2", v.Resets())
	}
	b.WaitState(store.Live)
}

func closed(s *suite) {
	e := s.Engine(s.T, prefix)
	if _, err := e.Write(s.context(), []store.Entry{{Key: "k"}}, nil); err == nil {
		s.Error("an engine that is not open wrote")
	}
	f := Follow(s.T, s.open(e))
	f.WaitState(store.Live)
	f.Stop()
	for range 2 {
		if err := e.Close(); err != nil {
			s.Fatalf("closing: %v", err)
		}
	}
	_, err := e.Write(s.context(), []store.Entry{{Key: "k"}}, nil)
	s.wantError("writing after Close", err, store.ErrClosed)
	if err := e.Follow(s.context(), func(store.Batch) error { return nil }, func(store.State, error) {}); err == nil ||
		errors.Is(err, context.DeadlineExceeded) {
		s.Errorf("following after Close: %v", err)
	}
}

func hammer(s *suite) {
	f := s.follow()
	var writers sync.WaitGroup
	for w := range 4 {
		e := s.follow()
		writers.Go(func() {
			for n := range 100 {
				put, del := entries(fmt.Sprintf("own/%d", w), fmt.Sprint(n), "shared", fmt.Sprint(w, n), fmt.Sprintf("-%d", n%7))
				if n%3 == 0 {
					put, del = entries(fmt.Sprint(n%7), fmt.Sprint(w, n))
				}
				if _, err := e.Engine.Write(s.context(), put, del); err != nil {
					s.Errorf("writing: %v", err)
					return
				}
			}
		})
	}
	writers.Wait()
	want := s.follow().View()
	f.WaitRevision(want.Batches[0].Revision)
	f.WaitContent(want.Content)
}

func compacted(s *suite) {
	a, b := s.follow(), s.follow()
	for n := range 10 {
		s.write(a, "k", fmt.Sprint(n))
	}
	s.Compact(s.T)
	s.write(a, "k", "after")
	b.WaitContent(content("k", "after"))
	s.follow().WaitContent(content("k", "after"))
}

func restarted(s *suite) {
	a := s.follow()
	a.WaitState(store.Live)
	s.write(a, "k", "1")
	a.WaitContent(content("k", "1"))
	start := s.Stop(s.T)
	v := a.WaitState(store.Cached)
	if !maps.Equal(v.Content, content("k", "1")) {
		s.Errorf("content while the store is away: %q", v.Content)
	}
	start()
	a.WaitState(store.Live)
	s.write(a, "k", "2")
	if v := a.WaitContent(content("k", "2")); v.Resets() != 1 {
		s.Errorf("%d resets, want 1: nothing was missed", v.Resets())
	}
}

func missed(s *suite) {
	if v := s.cut(func() {}); v.Resets() != 1 {
		s.Errorf("%d resets, want 1: history was there", v.Resets())
	}
}

func missedCompacted(s *suite) {
	if v := s.cut(func() { s.Compact(s.T) }); v.Resets() != 2 {
		s.Errorf("%d resets, want 2: history was gone", v.Resets())
	}
}

// cut changes the store while a follower is cut off from it.
func (s *suite) cut(then func()) View {
	s.Helper()
	e, cut := s.Cuttable(s.T, prefix)
	a, b := s.follow(), Follow(s.T, s.open(e))
	s.write(a, "goes", "1", "stays", "1")
	b.WaitContent(content("goes", "1", "stays", "1"))
	b.WaitState(store.Live)
	reconnect := cut()
	b.WaitState(store.Cached)
	s.write(a, "-goes", "comes", "1")
	s.write(a, "comes", "2")
	then()
	reconnect()
	v := b.WaitContent(content("stays", "1", "comes", "2"))
	b.WaitState(store.Live)
	return v
}
