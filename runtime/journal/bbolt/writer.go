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

// Bounds of one commit. More would make everybody in it wait for longer than the fsync that it
// saves.
const (
	maxBatch      = 512     // operations
	maxBatchBytes = 4 << 20 // of their values; less in a small file
)

// op is one write. apply and kept are called by the writing goroutine.
type op struct {
	size  int                      // bytes it adds, about
	grows bool                     // refused while there is no room
	apply func(*transaction) error // an error refuses the operation, which then has written nothing
	kept  func()                   // after the commit, with the journal's lock held; nil = nothing
	// after kept, when nobody waits for the operation any more, without the lock; nil = nothing
	undo func() error

	state atomic.Int32
	err   error
	done  chan struct{} // closed when err is set
}

// The states of an op. An op that was abandoned before it was taken is not applied.
const (
	opWaits int32 = iota
	opTaken
	opAnswered
	opAbandoned
)

// do has o written and returns when it is on disk or was refused. When ctx ends before, it is
// written or not.
func (j *Journal) do(ctx context.Context, o *op) error {
	if err := j.post(ctx, o); err != nil {
		return err
	}
	select {
	case <-o.done:
		return o.err
	case <-j.done:
		select {
		case <-o.done:
			return o.err
		default:
			return journal.ErrClosed
		}
	case <-ctx.Done():
		if o.state.Swap(opAbandoned) == opAnswered {
			<-o.done
			return o.err
		}
		return ctx.Err()
	}
}

// post hands o to the writing goroutine.
func (j *Journal) post(ctx context.Context, o *op) error {
	if err := j.usable(); err != nil {
		return err
	}
	o.done = make(chan struct{})
	select {
	case j.ops <- o:
		return nil
	case <-j.quit:
		return journal.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write is the writing goroutine. Beside writing it keeps the file in order and opens it again when
// it has failed.
func (j *Journal) write() {
	defer close(j.done)
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	again := make(chan struct{}) // ready while there is more to do
	close(again)
	var more <-chan struct{}
	var failed failure
	ops := make([]*op, 0, maxBatch)
	for {
		select {
		case o := <-j.ops:
			ops = j.serve(append(ops, o), &failed)
		case <-tick.C:
			more = nil
			if j.upkeep(&failed) {
				more = again
			}
		case <-more:
			select { // who waits goes before the next part, and more go after it
			case o := <-j.ops:
				ops = j.serve(append(ops, o), &failed)
			default:
			}
			more = nil
			if j.upkeep(&failed) {
				more = again
			}
		case err := <-j.broken:
			failed.note(j, err)
		case <-failed.retry:
			failed.reopen(j)
		case <-j.quit:
			return
		}
	}
}

// serve writes an operation together with what else waits, and returns the emptied slice.
func (j *Journal) serve(ops []*op, f *failure) []*op {
	ops = j.drain(ops)
	f.note(j, j.batch(ops))
	clear(ops)
	return ops[:0]
}

// drain takes what waits.
func (j *Journal) drain(ops []*op) []*op {
	size, most := ops[0].size, int(min(maxBatchBytes, j.limits.Load().MaxBytes/16))
	for len(ops) < maxBatch && size < most {
		select {
		case o := <-j.ops:
			ops = append(ops, o)
			size += o.size
		default:
			return ops
		}
	}
	return ops
}

// errNothing ends a transaction that has nothing to commit.
var errNothing = errors.New("nothing to commit")

// batch applies and commits ops and answers them. The error is the file's, none of theirs, or
// errNothing.
func (j *Journal) batch(ops []*op) error {
	room, err := j.roomFor(ops)
	applied := 0
	apply := func(t *transaction) error {
		for _, o := range ops {
			switch {
			case !o.state.CompareAndSwap(opWaits, opTaken):
				o.err = context.Canceled // nobody reads it
				continue
			case o.grows && room != nil:
				o.err = room
				continue
			}
			if o.err = o.apply(t); o.err == nil {
				applied++
			}
			if t.err == nil && errors.Is(o.err, journal.ErrForeign) {
				t.err = o.err
			}
			if t.err != nil {
				return t.err
			}
		}
		if applied == 0 {
			return errNothing
		}
		return nil
	}
	if err == nil {
		err = j.update(apply)
	}
	failed := err
	if errors.Is(err, errNothing) {
		failed = nil
	}
	var undo []func() error
	j.mu.Lock()
	for _, o := range ops {
		if o.err == nil && failed != nil {
			o.err = fmt.Errorf("%w: %w", journal.ErrUnavailable, failed)
		}
		if o.err == nil && o.kept != nil {
			o.kept()
		}
		if !o.state.CompareAndSwap(opTaken, opAnswered) && o.err == nil && o.undo != nil {
			undo = append(undo, o.undo)
		}
		close(o.done)
	}
	if failed == nil {
		j.rate.add(j.now(), applied)
		j.writes.Add(uint64(applied))
	}
	j.mu.Unlock()
	for _, f := range undo {
		if again := f(); err == nil {
			err = again
		}
	}
	return err
}

// update runs a writing transaction.
func (j *Journal) update(do func(*transaction) error) error {
	j.file.RLock()
	defer j.file.RUnlock()
	if j.db == nil {
		return j.closedFor()
	}
	return j.named(j.transact(j.db, j.accounts, do))
}

// closedFor says why the file is closed. The caller holds the lock of the file.
func (j *Journal) closedFor() error {
	if j.fault != nil {
		return j.fault
	}
	return journal.ErrClosed
}

// view runs a reading transaction. What it reads has to be copied.
func (j *Journal) view(do func(*bolt.Tx) error) (err error) {
	if err := j.usable(); err != nil {
		return err
	}
	j.file.RLock()
	defer j.file.RUnlock()
	if j.db == nil {
		return fmt.Errorf("%w: %w", journal.ErrUnavailable, j.closedFor())
	}
	if err = j.db.view(do); !errors.Is(err, journal.ErrForeign) {
		return err
	}
	err = j.named(err)
	select {
	case j.broken <- err:
	default: // another one has told
	}
	return fmt.Errorf("%w: %w", journal.ErrUnavailable, err)
}
