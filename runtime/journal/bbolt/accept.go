package bbolt

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/flowtrux/edge/runtime/journal"
)

// Accept keeps e; when it returns nil, that is on disk.
func (j *Journal) Accept(ctx context.Context, e *journal.Entry) error {
	_, err := j.admit(ctx, e, false)
	return err
}

// Adopt keeps e and leases it to the caller.
func (j *Journal) Adopt(ctx context.Context, e *journal.Entry) (journal.Lease, error) {
	l, err := j.admit(ctx, e, true)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// admit writes a new entry, leased or not.
func (j *Journal) admit(ctx context.Context, e *journal.Entry, leased bool) (*lease, error) {
	it, err := newItem(e.ID, e.Workflow, e.AcceptedAt)
	if err != nil {
		return nil, fmt.Errorf("%w: %q", err, e.ID)
	}
	if err := j.seen(e); err != nil { // no commit for those
		return nil, err
	}
	digest := sha256.Sum256(e.Document)
	source := appendSource(nil, e, digest)
	listed := appendLive(nil, e)
	l := &lease{journal: j, item: it, entry: e, posted: leased}
	if leased {
		it.run.running = true
	}
	o := &op{size: len(source) + len(e.Document), grows: true}
	o.apply = func(t *transaction) error {
		if t.holds(it) {
			return journal.ErrExists
		}
		of := documentOf{workflow: e.Workflow, hour: it.hour, digest: digest}
		if err := j.mayAccept(t, e, of, len(source)); err != nil {
			return err
		}
		if e.Key != nil {
			j.reserve(t, reservation(e))
		}
		t.added++
		t.accounts.addEntry(of, len(source), len(e.Document))
		t.putEntry(it.hour, e, source, digest)
		t.put(t.live, []byte(e.ID), listed)
		if leased {
			t.put(t.runs, []byte(e.ID), it.run.bytes())
		}
		for _, s := range e.Steps {
			t.putStep(e.ID, e.Workflow, s, j.nextSeq())
		}
		return nil
	}
	o.kept = func() {
		j.add(it)
		if leased {
			it.holder = l
		} else {
			j.push(it)
		}
	}
	if leased { // its caller has cancelled it by now
		o.undo = func() error { return j.discard(l) }
	}
	return l, j.do(ctx, o)
}

// holds tells whether an entry or its record is there.
func (t *transaction) holds(it *item) bool {
	if t.live.Get([]byte(it.id)) != nil {
		return true
	}
	p := t.part(it.hour)
	return p != nil && p.rec.short.Get([]byte(it.id)) != nil
}

// reservation is the one of an entry's key.
func reservation(e *journal.Entry) journal.Reservation {
	return journal.Reservation{ID: e.ID, Workflow: e.Workflow, Key: *e.Key}
}

// mayAccept says why an entry cannot be added: because of its key, or of a limit.
func (j *Journal) mayAccept(t *transaction, e *journal.Entry, of documentOf, source int) error {
	more := space(source) + entrySpace
	if e.Key != nil {
		own, err := j.taken(t.Tx, reservation(e))
		if err != nil {
			return err
		}
		if !own {
			more += keySpace
		}
	}
	if _, known := t.accounts.documents[of]; !known {
		more += space(len(e.Document))
	}
	for _, s := range e.Steps {
		more += stepSpace(len(s.Output) + len(s.Handle) + maxStepHead)
	}
	j.mu.Lock()
	all := len(j.live) + t.added
	j.mu.Unlock()
	q, has := quotaOf(j.limits.Load()), t.accounts.of(e.Workflow)
	if err := q.mayPend(has, all); err != nil {
		return err
	}
	return q.mayBegin(has, more)
}

// nextSeq numbers steps so that later ones are greater, also than those of the process before.
func (j *Journal) nextSeq() int64 {
	j.seq = max(j.seq+1, j.now().UnixNano())
	return j.seq
}

// maxStepHead is what a step's value has at most beside the step's own bytes.
const maxStepHead = 3 * binary.MaxVarintLen64

// putStep keeps a step. One that is there already keeps its place.
func (t *transaction) putStep(id, workflow string, s journal.Step, seq int64) {
	key := append([]byte(id), s.Node...)
	if old := t.steps.short.Get(key); old != nil {
		head, err := t.steps.head(old)
		if n, size := binary.Varint(head); err == nil && size > 0 {
			seq = n
		}
		t.accounts.change(workflow, account{work: -stepSpace(lengthOf(old))})
	}
	v := make([]byte, 0, len(s.Handle)+len(s.Output)+maxStepHead)
	v = binary.AppendVarint(v, seq)
	v = appendText(appendText(v, s.Handle), s.Output)
	t.accounts.change(workflow, account{work: stepSpace(len(v))})
	t.steps.put(t, key, v)
}

// discard forgets an entry that was adopted for a caller who has gone.
func (j *Journal) discard(l *lease) error {
	o := &op{
		apply: func(t *transaction) error {
			t.forget(l.item.id, l.item.workflow, l.item.hour)
			if p := t.part(l.item.hour); p != nil {
				p.src.del(t, []byte(l.item.id))
			}
			return nil
		},
		kept: func() { j.drop(l.item) },
		done: make(chan struct{}),
	}
	return j.batch([]*op{o}) // on the writing goroutine; what stays is run again
}
