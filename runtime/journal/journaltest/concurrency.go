package journaltest

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/flowtrux/edge/runtime/journal"
)

// concurrent lets several goroutines accept, and several others claim, checkpoint, release and
// finish. In the end each entry was finished once, and no entry ever had two holders.
func concurrent(s *suite) {
	const accepting, claiming, each = 4, 4, 100
	j := s.open(accepting * each / 4)
	ctx := s.context()

	held := make([]atomic.Bool, accepting*each)
	tries := make([]atomic.Int32, accepting*each)
	var finished atomic.Int32
	work := func(l journal.Lease) error {
		n := int(l.Entry().Revision) - 1000
		if held[n].Swap(true) {
			return errors.New(l.Entry().ID + " has two holders")
		}
		try := int(tries[n].Add(1))
		if got := len(l.Entry().Steps); got != try-1 {
			return errors.New(l.Entry().ID + " lost a step")
		}
		if err := l.Checkpoint(ctx, step(string(rune('a'+try)), `1`, "")); err != nil {
			return err
		}
		held[n].Store(false)
		if try <= n%3 {
			return l.Release(ctx, 0)
		}
		if err := l.Finish(ctx, ended("succeeded")); err != nil {
			return err
		}
		if finished.Add(1) == accepting*each {
			return j.Close() // ends the claims
		}
		return nil
	}

	var all sync.WaitGroup
	for g := range accepting {
		all.Go(func() {
			for i := range each {
				for {
					err := j.Accept(ctx, entry(g*each+i))
					if err == nil {
						break
					}
					if !errors.Is(err, journal.ErrFull) || ctx.Err() != nil {
						s.Errorf("accepting: %v", err)
						return
					}
				}
			}
		})
	}
	for range claiming {
		all.Go(func() {
			for {
				l, err := j.Claim(ctx)
				if errors.Is(err, journal.ErrClosed) {
					return
				}
				if err == nil {
					err = work(l)
				}
				if err != nil {
					s.Errorf("working: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := finished.Load(); n != accepting*each {
		s.Errorf("%d of %d finished", n, accepting*each)
	}
}
