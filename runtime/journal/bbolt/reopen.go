package bbolt

import (
	"errors"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// The waits before the file is opened again.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
	// damagedRetry is that of a damaged file, which takes somebody to mend it: all of it is read
	// each time.
	damagedRetry = time.Minute
)

// failure is the state of a file that could not be written. It belongs to the writing goroutine.
type failure struct {
	wait  time.Duration    // the last one; 0 = the file is fine
	retry <-chan time.Time // when to open it; nil = it is open
}

// note takes in how a write went. One that failed closes the file: what is on disk is not known,
// and after a failed fsync another one on the same descriptor may succeed although the data is
// gone.
func (f *failure) note(j *Journal, err error) {
	switch {
	case errors.Is(err, errNothing):
	case err == nil:
		if f.retry == nil {
			f.wait = 0
		}
	case f.retry == nil:
		_ = j.closeFile(err)
		f.schedule(nil) // whatever it was, it may be over
	}
}

// schedule sets when to open the file, after another try that has failed with err.
func (f *failure) schedule(err error) {
	if errors.Is(err, journal.ErrForeign) {
		f.wait = damagedRetry
	} else {
		f.wait = min(max(2*f.wait, firstRetry), lastRetry)
	}
	f.retry = time.After(f.wait)
}

// reopen opens the file again, or tries later. The wait begins anew only after a write that
// succeeded.
func (f *failure) reopen(j *Journal) {
	f.retry = nil
	if err := j.openFile(false); err != nil {
		_ = j.closeFile(err)
		f.schedule(err)
		return
	}
	select {
	case <-j.broken: //nolint:errcheck // it was seen in the file as it was before
	default:
	}
}
