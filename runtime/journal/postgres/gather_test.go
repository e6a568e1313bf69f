package postgres

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestGather: who calls alone is not delayed; beside many others, a call waits a moment for them,
// unless there are enough.
func TestGather(t *testing.T) {
	for _, c := range []struct {
		name             string
		last, now, later int
		taken            int
		waits            bool
	}{
		{"alone", 1, 1, 1, 1, false},
		{"few", fewCallers, 1, 1, 1, false},
		{"several before, few now", fewCallers + 1, 1, 3, 4, true},
		{"enough now", 100, enough, 3, enough, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := &Journal{operations: make(chan *operation, maxBatch)}
				for range c.now {
					j.operations <- new(operation)
				}
				go func() {
					time.Sleep(gatherTime / 2)
					for range c.later {
						j.operations <- new(operation)
					}
				}()
				began := time.Now()
				taken := j.gather(nil, c.last)
				if waited := time.Since(began) > 0; len(taken) != c.taken || waited != c.waits {
					t.Errorf("%d were taken, waited: %v; want %d, %v", len(taken), waited, c.taken, c.waits)
				}
				time.Sleep(gatherTime) // the goroutine ends
			})
		})
	}
}
