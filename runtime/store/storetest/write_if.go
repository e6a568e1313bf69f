package storetest

import (
	"errors"
	"strconv"
	"sync"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/store"
)

// writeIf writes words to an engine if its conditions hold.
func (s *suite) writeIf(f *Follower, conditions []store.Condition, words ...string) (int64, []store.Entry) {
	s.Helper()
	put, del := entries(words...)
	revision, now, err := f.Engine.WriteIf(s.context(), conditions, put, del)
	if err != nil {
		s.Fatalf("writing %q: %v", words, err)
	}
	if revision != 0 && now != nil {
		s.Fatalf("writing %q: revision %d, and %+v", words, revision, now)
	}
	return revision, now
}

func writeIf(s *suite) {
	f := s.follow()
	try := func(was int64, words ...string) (int64, []store.Entry) {
		s.Helper()
		return s.writeIf(f, []store.Condition{{Key: "k", Revision: was}}, words...)
	}
	missing := func(what string, revision int64, now []store.Entry) {
		s.Helper()
		if revision != 0 || len(now) != 1 || now[0].Key != "k" || now[0].Revision != 0 || now[0].Value != nil {
			s.Errorf("%s: %d, %+v", what, revision, now)
		}
	}
	revision, now := try(7, "k", "early")
	missing("of a key that is not there", revision, now)
	revision, now = try(store.AnyRevision, "k", "early")
	missing("of any revision of a key that is not there", revision, now)

	first, _ := try(0, "k", "1")
	f.WaitContent(content("k", "1"))
	if revision, now := try(0, "k", "late"); revision != 0 || len(now) != 1 || now[0].Key != "k" ||
		string(now[0].Value) != "1" || now[0].Revision != first {
		s.Errorf("of a key that has come: %d, %+v, want revision %d", revision, now, first)
	}
	second, now := try(first, "k", "2")
	if now != nil {
		s.Errorf("of the current revision: %+v", now)
	}
	v := f.WaitRevision(second)
	if last := v.Batches[len(v.Batches)-1]; second <= first || len(last.Put) != 1 || last.Put[0].Revision != second {
		s.Errorf("revision %d follows %d in %+v", second, first, last)
	}
	third, _ := try(store.AnyRevision, "k", "3")
	if third <= second {
		s.Errorf("of any revision: %d follows %d", third, second)
	}
	if revision, now := try(second, "-k"); revision != 0 || len(now) != 1 || now[0].Revision != third {
		s.Errorf("deleting an earlier revision: %d, %+v, want revision %d", revision, now, third)
	}
	if revision, now := try(third, "-k"); revision <= third || now != nil {
		s.Errorf("deleting the current revision: %d, %+v", revision, now)
	}
	if revision, now := try(0, "-k"); revision != 0 || now != nil {
		s.Errorf("deleting a key that is and may be missing: %d, %+v", revision, now)
	}
	revision, now = try(third, "k", "4")
	missing("of a key that has gone", revision, now)
	f.WaitContent(content())

	large := []store.Entry{{Key: "k", Value: make([]byte, 8<<20)}}
	_, _, err := f.Engine.WriteIf(s.context(), []store.Condition{{Key: "k"}}, large, nil)
	s.wantError("writing 8 MiB", err, store.ErrTooLarge)
	f.Stop()
	if err := f.Engine.Close(); err != nil {
		s.Fatalf("closing: %v", err)
	}
	_, _, err = f.Engine.WriteIf(s.context(), []store.Condition{{Key: "k"}}, []store.Entry{{Key: "k"}}, nil)
	s.wantError("writing after Close", err, store.ErrClosed)
}

func writeIfAll(s *suite) {
	f := s.follow()
	first := s.write(f, "a", "1", "gone", "1")
	second := s.write(f, "b", "1")
	for _, conditions := range [][]store.Condition{
		{{Key: "a", Revision: first}, {Key: "b", Revision: first}, {Key: "c"}},
		{{Key: "a", Revision: second}, {Key: "b", Revision: second}, {Key: "c"}},
		{{Key: "a", Revision: first}, {Key: "b", Revision: second}, {Key: "c", Revision: store.AnyRevision}},
	} {
		revision, now := s.writeIf(f, conditions, "a", "2", "c", "2", "-gone")
		if revision != 0 || len(now) != 3 {
			s.Fatalf("with %+v: revision %d, %+v", conditions, revision, now)
		}
		for i, want := range []store.Entry{
			{Key: "a", Value: []byte("1"), Revision: first}, {Key: "b", Value: []byte("1"), Revision: second}, {Key: "c"},
		} {
			if got := now[i]; got.Key != want.Key || string(got.Value) != string(want.Value) || got.Revision != want.Revision {
				s.Errorf("with %+v: entry %d is %+v, want %+v", conditions, i, got, want)
			}
		}
	}
	f.WaitContent(content("a", "1", "b", "1", "gone", "1"))

	all := []store.Condition{{Key: "a", Revision: first}, {Key: "b", Revision: store.AnyRevision}, {Key: "c"}}
	revision, now := s.writeIf(f, all, "a", "2", "c", "2", "-gone")
	if revision <= second || now != nil {
		s.Fatalf("with conditions that hold: revision %d, %+v", revision, now)
	}
	v := f.WaitRevision(revision)
	if last := v.Batches[len(v.Batches)-1]; len(last.Put) != 2 || len(last.Delete) != 1 {
		s.Errorf("the batch of the write is %+v", last)
	}
	f.WaitContent(content("a", "2", "b", "1", "c", "2"))
}

// The number of concurrent adders, and of their additions.
const (
	adders = 4
	adds   = 50
)

func writeIfHammer(s *suite) {
	var all sync.WaitGroup
	for range adders {
		f := s.follow()
		all.Go(func() {
			now := store.Entry{Key: "n"}
			for done := 0; done < adds; {
				sum, _ := rawjson.AddInteger(nil, now.Value, 1)
				was := []store.Condition{{Key: "n", Revision: now.Revision}}
				revision, is, err := f.Engine.WriteIf(s.context(), was, []store.Entry{{Key: "n", Value: sum}}, nil)
				switch {
				case err != nil:
					s.Errorf("writing: %v", err)
					return
				case is == nil:
					now.Value, now.Revision = sum, revision
					done++
				default:
					now = is[0]
				}
			}
		})
	}
	all.Wait()
	s.follow().WaitContent(content("n", strconv.Itoa(adders*adds)))
}

// updateHammer updates a key from several mirrors, each with several goroutines.
func updateHammer(s *suite) {
	var all sync.WaitGroup
	for range 2 {
		m := store.NewMirror(store.MirrorOptions{Engine: s.Engine(s.T, prefix)})
		if err := m.Open(s.context()); err != nil {
			s.Fatalf("opening: %v", err)
		}
		s.Cleanup(func() {
			if err := m.Close(); err != nil {
				s.Errorf("closing: %v", err)
			}
		})
		live := make(chan struct{})
		var once sync.Once
		m.Subscribe(func(store.Batch) { once.Do(func() { close(live) }) })
		<-live
		for range adders {
			all.Go(func() {
				for range adds / 2 {
					if _, err := m.Update(s.context(), "n", addOne); err != nil {
						s.Errorf("updating: %v", err)
						return
					}
				}
			})
		}
	}
	all.Wait()
	s.follow().WaitContent(content("n", strconv.Itoa(adders*adds)))
}

func addOne(value []byte) ([]byte, error) {
	sum, ok := rawjson.AddInteger(nil, value, 1)
	if !ok {
		return nil, errors.New("not an integer")
	}
	return sum, nil
}
