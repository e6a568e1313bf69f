package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/runtime/journal"
)

// operation is one change. The committer repeats it until a commit is certain; it is complete when
// done has a result.
type operation struct {
	ctx    context.Context // of the caller
	hour   uint32          // whose tables it needs; 0 = none
	hours  []uint32        // more of them
	names  []string        // an id and a key: those of the operations of a transaction differ
	fenced int64           // the incarnation it belongs to; 0 = the present one of the machine

	check      func() error     // reserves its room; nil = it needs none
	queue      func(*pgx.Batch) // adds its statements, whose results set result
	result     error
	kind       kind      // of the group in which it can be
	since      time.Time // it waits
	state      atomic.Int32
	accept     *acceptance // of kind accepting
	ending     *ending     // of kind finishing
	step       *checkpoint // of kind checkpointing
	alone      bool        // an acceptance that is not in a group any more
	unresolved bool        // its group did not insert it

	// committed takes what result means for this process. abandoned: the caller has left.
	committed func(err error, abandoned bool)

	done chan error // of one
}

const (
	maxBatch = 256
	// transactionTime bounds a transaction, on both sides.
	transactionTime = 5 * time.Second
	// soonTime bounds what a sender waits for: acceptances and keys.
	soonTime = 2 * time.Second
	// retryTime is how long an operation is tried whose caller does not leave before.
	retryTime = 10 * time.Second
)

// newPause returns the pauses between two attempts.
func newPause() backoff.Exponential {
	return backoff.Exponential{First: 10 * time.Millisecond, Max: 500 * time.Millisecond, Jitter: 0.3}
}

// The states of an operation.
const (
	waiting int32 = iota
	answered
	abandoned // its caller has left
)

// fence returns the beginning of what a transaction of a machine selects first. It locks the row of
// the machine $1; if another machine has ended it, it divides by zero, which skips all that is
// behind it. It bounds the time of the transaction to $2 milliseconds. And it makes the statements
// that follow look rows up one by one by their index: tables of an hour have no statistics at
// first, and a plan that reads a whole table would also read all rows that are dead.
func fence(lock string) string {
	return `(select 1 / count(*) from (select 1 from {s}.machines where incarnation = $1 and ended is null for ` + lock + `) m),
		set_config('statement_timeout', $2::text, true), set_config('idle_in_transaction_session_timeout', $2, true),
		set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
		set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true)`
}

// errFenced means that another machine has ended this one.
var errFenced = errors.New("this machine was taken for dead by another one")

// doSoon is do for what a sender waits for.
func (j *Journal) doSoon(ctx context.Context, o *operation) error {
	soon, cancel := context.WithTimeout(ctx, soonTime)
	defer cancel()
	err := j.do(soon, o)
	if soon.Err() != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		reason := fmt.Sprintf("the database has not answered within %s", soonTime)
		if f := j.fault.Load(); f != nil {
			reason = *f
		}
		return fmt.Errorf("%w: %s", journal.ErrUnavailable, reason)
	}
	return err
}

// do hands an operation to the committer and waits for its result.
func (j *Journal) do(ctx context.Context, o *operation) error {
	if err := j.checkReady(); err != nil {
		return err
	}
	o.ctx, o.since, o.done = ctx, time.Now(), make(chan error, 1)
	select {
	case j.operations <- o:
	case <-j.quit:
		return journal.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		if o.state.CompareAndSwap(waiting, abandoned) {
			return ctx.Err()
		}
		return <-o.done // it was answered at the same moment
	}
}

// commitAll is the committer: it commits until the journal is closed.
func (j *Journal) commitAll(ctx context.Context) {
	beat := time.NewTicker(j.options.Lease / 3)
	defer beat.Stop()
	due := false // the machine has to show that it lives
	var waiting []*operation
	last := 0 // how many waited for the transaction before
	for {
		if len(waiting) == 0 && !due {
			select {
			case o := <-j.operations:
				waiting = append(waiting, o)
			case <-beat.C:
				due = true
			case <-j.quit:
				j.rejectAll(nil)
				return
			}
		}
		waiting = j.gather(waiting, last)
		last = len(waiting)
		select {
		case <-beat.C:
			due = true
		case <-j.quit:
			j.rejectAll(waiting)
			return
		default:
		}
		var batch []*operation
		batch, waiting = separate(waiting)
		j.recountUsage(ctx)
		if j.commit(ctx, batch, due) {
			due = false
		}
	}
}

// Of gathering. A transaction costs as much as some operations do, on both sides.
const (
	gatherTime = time.Millisecond
	// fewCallers or less are not worth to wait for: nobody else may ask anything.
	fewCallers = 4
	// enough operations make a transaction cheap for each.
	enough = 16
)

// gather takes what waits. If there were several for the transaction before, it waits a moment for
// others: while many call, this makes fewer transactions, and does not delay who calls alone.
func (j *Journal) gather(waiting []*operation, last int) []*operation {
	// Who was answered last runs first, so that what it asks next is in this transaction.
	runtime.Gosched()
	waiting = j.takeWaiting(waiting)
	if last > fewCallers && len(waiting) < enough {
		time.Sleep(gatherTime)
		waiting = j.takeWaiting(waiting)
	}
	return waiting
}

// takeWaiting takes what waits, up to the bound of a transaction.
func (j *Journal) takeWaiting(waiting []*operation) []*operation {
	for len(waiting) < maxBatch {
		select {
		case o := <-j.operations:
			waiting = append(waiting, o)
		default:
			return waiting
		}
	}
	return waiting
}

// rejectAll ends what waits when the journal is closed.
func (j *Journal) rejectAll(waiting []*operation) {
	for _, o := range waiting {
		o.refuse(journal.ErrClosed)
	}
	for {
		select {
		case o := <-j.operations:
			o.refuse(journal.ErrClosed)
		default:
			return
		}
	}
}

// separate leaves operations of ids and keys that the batch has already for the next one.
func separate(waiting []*operation) (batch, later []*operation) {
	taken := make(map[string]bool)
	for _, o := range waiting {
		if slices.ContainsFunc(o.names, func(n string) bool { return taken[n] }) {
			later = append(later, o)
		} else {
			batch = append(batch, o)
		}
		for _, n := range o.names { // also of those that wait: they stay in order
			taken[n] = true
		}
	}
	return batch, later
}

// commit commits operations and answers them. It reports whether the database has answered.
func (j *Journal) commit(ctx context.Context, batch []*operation, beat bool) bool {
	batch = slices.DeleteFunc(batch, func(o *operation) bool {
		if o.check == nil { // it was checked before, or needs no room
			return false
		}
		err := o.ctx.Err()
		if err == nil {
			err = o.check()
		}
		if err != nil {
			o.refuse(err)
		}
		return err != nil
	})
	if len(batch) == 0 && !beat {
		return true
	}
	for {
		batch = slices.DeleteFunc(batch, func(o *operation) bool {
			if o.fenced == 0 || o.fenced == j.incarnation.Load() {
				return false
			}
			o.end(journal.ErrLeaseLost)
			return true
		})
		var err error
		if j.isLate() {
			if err = j.bounded(ctx, j.renew); err == nil {
				continue
			}
		} else {
			err = j.transact(ctx, batch, beat)
		}
		switch {
		case err == nil:
			j.fault.Store(nil)
			j.pause.Reset()
			j.commits.Add(1)
			var again []*operation
			for _, o := range batch {
				if !o.unresolved {
					o.end(o.result)
					continue
				}
				o.unresolved, o.alone, o.check = false, true, nil
				o.accept.renumber()
				j.documents.forget(o.hour)
				again = append(again, o)
			}
			return len(again) == 0 || j.commit(ctx, again, false)
		case errors.Is(err, errFenced):
			if err = j.bounded(ctx, j.announce); err == nil {
				continue
			}
		case isOfData(err) && len(batch) > 1:
			// One of them has caused it; the others must not suffer.
			for _, o := range batch {
				o.check = nil
			}
			j.commit(ctx, batch[:len(batch)/2], false)
			j.commit(ctx, batch[len(batch)/2:], false)
			return true
		}
		err = j.explainRights(err)
		j.note(err)
		j.replaceSilent(err)
		over := isOfData(err) || j.pause.Wait(ctx) != nil
		batch = slices.DeleteFunc(batch, func(o *operation) bool {
			if !over && o.ctx.Err() == nil && time.Since(o.since) < retryTime {
				return false
			}
			o.end(j.unavailable(err))
			return true
		})
		if len(batch) == 0 {
			return false
		}
	}
}

// end gives an operation its result.
func (o *operation) end(err error) {
	left := !o.state.CompareAndSwap(waiting, answered)
	if o.committed != nil {
		o.committed(err, left)
	}
	o.done <- err
}

// refuse ends an operation that was not sent.
func (o *operation) refuse(err error) {
	o.state.CompareAndSwap(waiting, answered)
	o.done <- err
}

// isOfData reports whether the error is one of what an operation writes, and not of the server: a
// text that is not UTF-8, what a constraint or a trigger of somebody rejects, a row that is damaged
// on the disk.
func isOfData(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code == codeNoPartition {
		return false
	}
	switch pg.Code[:2] {
	case "21", "22", "23", "54", "P0", "XX":
		return true
	}
	return false
}

// transact commits operations in one transaction. nil means that the commit is certain.
func (j *Journal) transact(ctx context.Context, batch []*operation, beat bool) error {
	ctx, cancel := context.WithTimeout(ctx, transactionTime)
	defer cancel()
	for _, o := range batch {
		for _, hour := range append(o.hours, o.hour) {
			if hour == 0 {
				continue
			}
			if err := j.ensureHour(ctx, hour); err != nil {
				return err
			}
		}
	}
	beat = beat || !j.isProved()
	conn, err := j.writes.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	sent := time.Now()
	b := &pgx.Batch{}
	b.Queue(begin)
	b.Queue(j.sql("select "+fence("no key update")+", "+j.synchronous(), 0), j.incarnation.Load(),
		strconv.FormatInt(transactionTime.Milliseconds(), 10))
	if beat {
		b.Queue(j.sql("update {s}.machines set seen = clock_timestamp(), until = clock_timestamp() + $2::bigint * interval '1 microsecond' where incarnation = $1", 0),
			j.incarnation.Load(), j.options.Lease.Microseconds())
	}
	groups, others := j.groupsOf(batch)
	for _, g := range groups {
		g.queue(j, b)
	}
	for _, o := range others {
		o.result = nil
		o.queue(b)
	}
	b.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return fmt.Errorf("the transaction ended with %s", tag)
		}
		return nil
	})
	data := conn.Conn().PgConn().CustomData()
	delete(data, warningIn)
	err = conn.SendBatch(ctx, b).Close()
	switch {
	case hasCode(err, codeDivision):
		return errFenced
	case hasCode(err, codeRoot):
		return errNotReplicated
	case hasCode(err, codeNoTable, codeNoPartition, codeNoFunction): // dropped by another machine
		for _, o := range batch {
			for _, hour := range append(o.hours, o.hour) {
				j.hours.Delete(hour)
			}
		}
		return err
	case err != nil:
		return err
	}
	if warning, ok := data[warningIn].(string); ok {
		return fmt.Errorf("the server warns: %s", warning)
	}
	if beat {
		j.proved.Store(&sent)
	}
	return nil
}
