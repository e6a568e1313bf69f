package bbolt

import (
	"errors"
	"time"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/runtime/journal"
)

// The pauses before the file is opened again.
const (
	firstReopen = 100 * time.Millisecond
	lastReopen  = 5 * time.Second
	// reopenDamaged is the pause of a damaged file, which somebody has to repair or move: each
	// attempt reads all of it.
	reopenDamaged = time.Minute
)

// reopener closes the file after a failed write and opens it again later. It belongs to the writing
// goroutine.
type reopener struct {
	pauses backoff.Exponential
	due    <-chan time.Time // when to open the file; nil = it is open
}

func newReopener() *reopener {
	return &reopener{pauses: backoff.Exponential{First: firstReopen, Max: lastReopen}}
}

// note takes the outcome of a write. After a failed one the state of the disk is not known: after a
// failed fsync another one on the same descriptor may succeed although the data is gone. So the
// file is closed.
func (r *reopener) note(j *Journal, err error) {
	switch {
	case errors.Is(err, errNothing):
	case err == nil:
		if r.due == nil {
			r.pauses.Reset()
		}
	case r.due == nil:
		_ = j.closeFile(err)
		r.due = time.After(r.pauses.Next()) // whatever the cause was, it may be over soon
	}
}

// try opens the file, or schedules the next attempt. Only a write that succeeds makes the pauses
// short again.
func (r *reopener) try(j *Journal) {
	r.due = nil
	if err := j.openFile(afterFailure); err != nil {
		_ = j.closeFile(err)
		pause := reopenDamaged
		if !errors.Is(err, journal.ErrForeign) {
			pause = r.pauses.Next()
		}
		r.due = time.After(pause)
		return
	}
	select {
	case <-j.damage: //nolint:errcheck // it was seen in the file as it was before
	default:
	}
}
