package caddymodule

import (
	"errors"
	"maps"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// heldBy returns the amount that each peer holds.
func (s *shares) heldBy() map[peer]int64 {
	all := map[peer]int64{}
	for i := range s.shards {
		s.shards[i].mu.Lock()
		maps.Copy(all, s.shards[i].held)
		s.shards[i].mu.Unlock()
	}
	return all
}

// TestShares compares the amounts granted with the rule, after arbitrary histories.
func TestShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(1, 1000).Draw(t, "limit")
		s := &shares{limit: limit, share: rapid.Int64Range(1, limit).Draw(t, "share")}
		held, all := map[peer]int64{}, int64(0)
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			p := peer{rapid.ByteRange(0, 3).Draw(t, "peer"), 15: rapid.ByteRange(0, 1).Draw(t, "shard")}
			if rapid.Bool().Draw(t, "give") {
				if held[p] == 0 {
					continue
				}
				n := rapid.Int64Range(1, held[p]).Draw(t, "n")
				s.give(p, n)
				held[p] -= n
				all -= n
			} else {
				n := rapid.Int64Range(1, limit/4+1).Draw(t, "n")
				var want error
				switch {
				case all+n > limit:
					want = errAllTaken
				case all+n > limit/2 && held[p]+n > s.share:
					want = errShareTaken
				}
				if err := s.take(p, n); !errors.Is(err, want) {
					t.Fatalf("%d more of %d for one with %d, of %+v: %v, want %v", n, all, held[p], s, err, want)
				} else if err == nil {
					held[p] += n
					all += n
				}
			}
			maps.DeleteFunc(held, func(_ peer, n int64) bool { return n == 0 })
			if got := s.heldBy(); s.used.Load() != all || !maps.Equal(got, held) {
				t.Fatalf("%d in use, by %v; want %d, %v", s.used.Load(), got, all, held)
			}
		}
	})
}

// TestSharesAtOnce takes and returns from many goroutines. At the end nothing is in use.
func TestSharesAtOnce(t *testing.T) {
	s := &shares{limit: 100, share: 25}
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			p := peer{15: byte(n % 4)}
			for i := range 2000 {
				if s.take(p, int64(i%30+1)) == nil {
					if used := s.used.Load(); used < 1 {
						t.Errorf("%d in use", used)
					}
					s.give(p, int64(i%30+1))
				}
			}
		})
	}
	all.Wait()
	if used, held := s.used.Load(), s.heldBy(); used != 0 || len(held) != 0 {
		t.Errorf("%d in use, by %v", used, held)
	}
}
