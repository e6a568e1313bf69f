package bbolt

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// All writes go through one goroutine, which commits what is queued in one transaction.
//
// bbolt's own DB.Batch also combines writes, but does not fit here. It waits up to MaxBatchDelay
// for more writes, which a lone writer pays as latency; without the delay it hardly combines any.
// When one function fails, it runs the others again, so that each has to be repeatable. And it
// knows neither contexts nor a file that has to be closed after a failed write: see reopener.

// Bounds of one commit. More would delay every operation in it by more than the fsync that it
// saves.
const (
	maxBatch      = 512     // operations
	maxBatchBytes = 4 << 20 // of their values; less in a small file
)

// operation is one write to the journal. The writing goroutine calls its methods. Only size and
// apply are called for an operation that is rejected, or whose commit fails.
type operation interface {
	// size returns about how many bytes the operation adds to the file, and whether it is rejected
	// while there is no room.
	size() (bytes int, needsRoom bool)

	// apply writes within a transaction. With an error the operation is rejected; it has then
	// written nothing.
	apply(t *transaction) error

	// committed updates what memory holds after the commit. The journal's lock is held.
	committed()

	// abandoned returns an operation that reverts this one, or nil. It is called after committed,
	// without the lock, if the caller stopped waiting before it learned the outcome.
	abandoned() operation
}

// baseOp is embedded in operations: most have nothing to do in committed and abandoned.
type baseOp struct {
	bytes int
	// needsRoom is set by operations that begin something. Those that end something are never
	// rejected for want of room: they need little, and make room.
	needsRoom bool
}

func (o *baseOp) size() (bytes int, needsRoom bool) { return o.bytes, o.needsRoom }
func (o *baseOp) committed()                        {}
func (o *baseOp) abandoned() operation              { return nil }

// request is an operation on its way through the writing goroutine.
type request struct {
	operation
	state atomic.Int32
	err   error
	done  chan struct{} // closed when err is set
}

// The states of a request. The writing goroutine moves it from queued to taken to answered; its
// caller, when the context ends, from any of them to abandoned. A request that was abandoned while
// queued is not applied, and one that was abandoned later is reverted.
const (
	stateQueued int32 = iota
	stateTaken
	stateAnswered
	stateAbandoned
)

func newRequest(o operation) *request { return &request{operation: o, done: make(chan struct{})} }

// do has o written, and returns when it is on disk or was rejected. If ctx ends before that, it may
// or may not be written.
func (j *Journal) do(ctx context.Context, o operation) error {
	r, err := j.enqueueWrite(ctx, o)
	if err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-j.done:
		select {
		case <-r.done:
			return r.err
		default:
			return journal.ErrClosed
		}
	case <-ctx.Done():
		if r.state.Swap(stateAbandoned) == stateAnswered {
			<-r.done
			return r.err
		}
		return ctx.Err()
	}
}

// enqueueWrite hands o to the writing goroutine and does not wait for the outcome.
func (j *Journal) enqueueWrite(ctx context.Context, o operation) (*request, error) {
	if err := j.checkOpen(); err != nil {
		return nil, err
	}
	r := newRequest(o)
	select {
	case j.requests <- r:
		return r, nil
	case <-j.quit:
		return nil, journal.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// write is the writing goroutine. It also maintains the file, and reopens it after a failure.
func (j *Journal) write() {
	defer close(j.done)
	tick := time.NewTicker(maintainEvery)
	defer tick.Stop()
	ready := make(chan struct{})
	close(ready)
	var more <-chan struct{} // ready while there is more to maintain
	maintain := func(reopen *reopener) {
		more = nil
		if j.maintain(reopen) {
			more = ready
		}
	}
	reopen := newReopener()
	batch := make([]*request, 0, maxBatch)
	for {
		select {
		case r := <-j.requests:
			batch = j.writeBatch(append(batch, r), reopen)
		case <-tick.C:
			maintain(reopen)
		case <-more:
			select { // a queued request goes first
			case r := <-j.requests:
				batch = j.writeBatch(append(batch, r), reopen)
			default:
			}
			maintain(reopen)
		case err := <-j.damage:
			reopen.note(j, err)
		case <-reopen.due:
			reopen.try(j)
		case <-j.quit:
			return
		}
	}
}

// writeBatch writes a request together with others that are queued, and returns the emptied slice.
func (j *Journal) writeBatch(batch []*request, reopen *reopener) []*request {
	batch = j.fill(batch)
	reopen.note(j, j.commit(batch))
	clear(batch)
	return batch[:0]
}

// fill adds queued requests to a batch, up to the bounds of one commit.
func (j *Journal) fill(batch []*request) []*request {
	bytes, _ := batch[0].size()
	most := int(min(maxBatchBytes, j.limits.Load().MaxBytes/16))
	for len(batch) < maxBatch && bytes < most {
		select {
		case r := <-j.requests:
			batch = append(batch, r)
			more, _ := r.size()
			bytes += more
		default:
			return batch
		}
	}
	return batch
}

// errNothing ends a transaction that has nothing to commit.
var errNothing = errors.New("nothing to commit")

// commit applies and commits a batch, and answers its requests. The error is that of the file, not
// of a rejected request, or errNothing.
func (j *Journal) commit(batch []*request) error {
	full, err := j.makeRoomFor(batch)
	applied := 0
	if err == nil {
		err = j.update(func(t *transaction) error {
			if applied, err = t.applyAll(batch, full); err == nil && applied == 0 {
				err = errNothing
			}
			return err
		})
	}
	for _, o := range j.answer(batch, applied, err) {
		if failed := j.commit([]*request{newRequest(o)}); err == nil {
			err = failed
		}
	}
	return err
}

// applyAll applies the requests of a batch and returns how many were not rejected. full is why
// those that need room are; nil = there is room. The error is that of the file.
func (t *transaction) applyAll(batch []*request, full error) (applied int, err error) {
	for _, r := range batch {
		if !r.state.CompareAndSwap(stateQueued, stateTaken) {
			r.err = context.Canceled // nobody reads it
			continue
		}
		if _, needsRoom := r.size(); needsRoom && full != nil {
			r.err = full
			continue
		}
		if r.err = r.apply(t); r.err == nil {
			applied++
		}
		if errors.Is(r.err, journal.ErrForeign) {
			t.fail(r.err)
		}
		if t.err != nil {
			return applied, t.err
		}
	}
	return applied, nil
}

// answer tells the callers of a batch what came of it: err is that of the commit. It returns what
// reverts operations whose callers have gone.
func (j *Journal) answer(batch []*request, applied int, err error) (reverts []operation) {
	if errors.Is(err, errNothing) {
		err = nil
	}
	var gone []*request
	j.mu.Lock()
	for _, r := range batch {
		if r.err == nil && err != nil {
			r.err = fmt.Errorf("%w: %w", journal.ErrUnavailable, err)
		}
		if r.err == nil {
			r.committed()
		}
		if !r.state.CompareAndSwap(stateTaken, stateAnswered) && r.err == nil {
			gone = append(gone, r)
		}
		close(r.done)
	}
	if err == nil {
		j.rate.add(j.now(), applied)
		j.writes.Add(uint64(applied))
	}
	j.mu.Unlock()
	for _, r := range gone {
		if o := r.abandoned(); o != nil {
			reverts = append(reverts, o)
		}
	}
	return reverts
}

// update runs a writing transaction.
func (j *Journal) update(do func(*transaction) error) error {
	j.file.RLock()
	defer j.file.RUnlock()
	if j.db == nil {
		return j.whyClosed()
	}
	return j.withPath(j.transact(j.db, j.usage, do))
}

// whyClosed returns why the file is closed. The caller holds the lock of the file.
func (j *Journal) whyClosed() error {
	if j.fault != nil {
		return j.fault
	}
	return journal.ErrClosed
}

// unavailable returns the error of a read while the file is closed. The caller holds the lock of
// the file.
func (j *Journal) unavailable() error {
	return fmt.Errorf("%w: %w", journal.ErrUnavailable, j.whyClosed())
}

// checkReadable returns an error while the file is closed.
func (j *Journal) checkReadable() error {
	j.file.RLock()
	defer j.file.RUnlock()
	if j.db == nil {
		return j.unavailable()
	}
	return nil
}

// view runs a reading transaction. Bytes that are read must be copied to be used after it.
func (j *Journal) view(do func(*bolt.Tx) error) (err error) {
	if err := j.checkOpen(); err != nil {
		return err
	}
	j.file.RLock()
	defer j.file.RUnlock()
	if j.db == nil {
		return j.unavailable()
	}
	if err = j.db.view(do); !errors.Is(err, journal.ErrForeign) {
		return err
	}
	err = j.withPath(err)
	select {
	case j.damage <- err:
	default: // another reader has reported it
	}
	return fmt.Errorf("%w: %w", journal.ErrUnavailable, err)
}
