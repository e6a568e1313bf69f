package storetest

import (
	"errors"
	"strconv"
	"sync"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/store"
)

func swap(s *suite) {
	f := s.follow()
	try := func(value string, was int64) (int64, store.Entry) {
		s.Helper()
		revision, now, err := f.Engine.Swap(s.context(), store.Entry{Key: "k", Value: []byte(value), Revision: was})
		if err != nil {
			s.Fatalf("swapping: %v", err)
		}
		return revision, now
	}
	if revision, now := try("early", 7); revision != 0 || now.Revision != 0 || now.Value != nil {
		s.Errorf("of a key that is not there: %d, %+v", revision, now)
	}
	first, _ := try("1", 0)
	f.WaitContent(content("k", "1"))
	if revision, now := try("late", 0); revision != 0 || now.Key != "k" || string(now.Value) != "1" || now.Revision != first {
		s.Errorf("of a key that has come: %d, %+v, want revision %d", revision, now, first)
	}
	second, _ := try("2", first)
	v := f.WaitRevision(second)
	if last := v.Batches[len(v.Batches)-1]; second <= first || len(last.Put) != 1 || last.Put[0].Revision != second {
		s.Errorf("revision %d follows %d in %+v", second, first, last)
	}
	s.write(f, "-k")
	if revision, now := try("3", second); revision != 0 || now.Revision != 0 {
		s.Errorf("of a key that has gone: %d, %+v", revision, now)
	}
	f.WaitContent(content())
	if _, _, err := f.Engine.Swap(s.context(), store.Entry{Key: "k", Value: make([]byte, 8<<20)}); !errors.Is(err, store.ErrTooLarge) {
		s.Errorf("swapping 8 MiB: %v", err)
	}
	f.Stop()
	if err := f.Engine.Close(); err != nil {
		s.Fatalf("closing: %v", err)
	}
	_, _, err := f.Engine.Swap(s.context(), store.Entry{Key: "k"})
	s.wantError("swapping after Close", err, store.ErrClosed)
}

// The number of concurrent adders, and of their additions.
const (
	adders = 4
	adds   = 50
)

func swapHammer(s *suite) {
	var all sync.WaitGroup
	for range adders {
		f := s.follow()
		all.Go(func() {
			now := store.Entry{Key: "n"}
			for done := 0; done < adds; {
				sum, _ := rawjson.AddInteger(nil, now.Value, 1)
				revision, is, err := f.Engine.Swap(s.context(), store.Entry{Key: "n", Value: sum, Revision: now.Revision})
				switch {
				case err != nil:
					s.Errorf("swapping: %v", err)
					return
				case revision != 0:
					now.Value, now.Revision = sum, revision
					done++
				default:
					now = is
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
