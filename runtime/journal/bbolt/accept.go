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
		if err := j.fits(t, it); err != nil {
			return err
		}
		if e.Key != nil {
			if err := j.reserve(t, journal.Reservation{ID: e.ID, Workflow: e.Workflow, Key: *e.Key}); err != nil {
				return err
			}
		}
		t.added++
		t.putEntry(it.hour, e, source, digest)
		t.put(t.live, []byte(e.ID), listed)
		if leased {
			t.put(t.runs, []byte(e.ID), it.run.bytes())
		}
		for _, s := range e.Steps {
			t.putStep(e.ID, s, j.nextSeq())
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
		o.undo = func() { j.discard(l) }
	}
	return l, j.do(ctx, o)
}

// fits says why an entry cannot be added.
func (j *Journal) fits(t *transaction, it *item) error {
	if t.live.Get([]byte(it.id)) != nil {
		return journal.ErrExists
	}
	if p := readPart(t.Tx, it.hour); p != nil && p.rec.Get([]byte(it.id)) != nil {
		return journal.ErrExists
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if most := j.limits.Load().MaxPending; len(j.live)+t.added >= most {
		return fmt.Errorf("%w: %d executions have not ended", journal.ErrFull, most)
	}
	return nil
}

// nextSeq numbers steps so that later ones are greater, also than those of the process before.
func (j *Journal) nextSeq() int64 {
	j.seq = max(j.seq+1, j.now().UnixNano())
	return j.seq
}

// putStep keeps a step. One that is there already keeps its place.
func (t *transaction) putStep(id string, s journal.Step, seq int64) {
	key := append([]byte(id), s.Node...)
	if old := t.steps.Get(key); old != nil {
		if n, size := binary.Varint(old); size > 0 {
			seq = n
		}
	}
	v := make([]byte, 0, len(s.Handle)+len(s.Output)+24)
	v = binary.AppendVarint(v, seq)
	v = appendText(v, s.Handle)
	t.put(t.steps, key, appendText(v, s.Output))
}

// discard forgets an entry that was adopted for a caller who has gone.
func (j *Journal) discard(l *lease) {
	o := &op{
		apply: func(t *transaction) error {
			t.forget(l.item.id)
			if p := t.part(l.item.hour); p != nil {
				t.del(p.src, []byte(l.item.id))
			}
			return nil
		},
		kept: func() { j.drop(l.item) },
		done: make(chan struct{}),
	}
	_ = j.batch([]*op{o}) // on the writing goroutine; what stays is run again
}
