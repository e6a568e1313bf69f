package bbolt

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/flowtrux/edge/runtime/journal"
)

// Accept stores e. It is on disk when Accept returns nil.
func (j *Journal) Accept(ctx context.Context, e *journal.Entry) error {
	o, err := j.newAcceptOp(e)
	if err != nil {
		return err
	}
	return j.do(ctx, o)
}

// Adopt stores e and leases it to the caller.
func (j *Journal) Adopt(ctx context.Context, e *journal.Entry) (journal.Lease, error) {
	a, err := j.newAcceptOp(e)
	if err != nil {
		return nil, err
	}
	if !e.Began.IsZero() {
		a.live.began = e.Began.UnixNano()
	}
	a.live.run.running, a.live.run.began = true, a.live.began
	o := &adoptOp{acceptOp: a, lease: &lease{journal: j, live: a.live, entry: e, begun: true, marked: true}}
	if err := j.do(ctx, o); err != nil {
		return nil, err
	}
	return o.lease, nil
}

// acceptOp adds an entry, to be claimed.
type acceptOp struct {
	baseOp
	journal *Journal
	entry   *journal.Entry
	live    *liveEntry
	source  []byte // see encodeSource
	summary []byte // see appendLive
	digest  [sha256.Size]byte
}

// newAcceptOp encodes an entry. The error is also that of a key that is in use: duplicates need no
// commit.
func (j *Journal) newAcceptOp(e *journal.Entry) (*acceptOp, error) {
	live, err := newLiveEntry(e.ID, e.Workflow, e.AcceptedAt)
	if err != nil {
		return nil, fmt.Errorf("%w: %q", err, e.ID)
	}
	if e.Key != nil {
		if err := j.findDuplicate(reservationOf(e)); err != nil {
			return nil, err
		}
	}
	o := &acceptOp{journal: j, entry: e, live: live, digest: sha256.Sum256(e.Document)}
	o.source = encodeSource(e, o.digest)
	o.summary = appendLive(nil, e)
	o.baseOp = baseOp{bytes: len(o.source) + len(e.Document), needsRoom: true}
	return o, nil
}

func (o *acceptOp) apply(t *transaction) error {
	j, e := o.journal, o.entry
	if t.has(o.live) {
		return journal.ErrExists
	}
	document := documentKey{workflow: e.Workflow, hour: o.live.hour, digest: o.digest}
	if err := o.checkLimits(t, document); err != nil {
		return err
	}
	if e.Key != nil {
		j.storeKey(t, reservationOf(e))
	}
	t.added++
	t.usage.addEntry(document, len(o.source), len(e.Document))
	t.putEntry(o.live.hour, e, o.source, o.digest)
	t.put(t.live, []byte(e.ID), o.summary)
	for _, s := range e.Steps {
		t.putStep(e.ID, e.Workflow, s, j.nextSeq())
	}
	return nil
}

// checkLimits returns why the entry cannot be added, because of its key or of a limit.
func (o *acceptOp) checkLimits(t *transaction, document documentKey) error {
	j, e := o.journal, o.entry
	more := space(len(o.source)) + entrySpace
	if e.Key != nil {
		own, err := j.checkKey(t.Tx, reservationOf(e))
		if err != nil {
			return err
		}
		if !own {
			more += keySpace
		}
	}
	if _, known := t.usage.documents[document]; !known {
		more += space(len(e.Document))
	}
	for _, s := range e.Steps {
		more += stepSpace(len(s.Output) + len(s.Handle) + maxStepHead)
	}
	j.mu.Lock()
	all := len(j.live) + t.added
	j.mu.Unlock()
	q, used := quotaOf(j.limits.Load()), t.usage.of(e.Workflow)
	if err := q.checkPending(used, all); err != nil {
		return err
	}
	return q.checkNewWork(used, more)
}

func (o *acceptOp) committed() {
	o.journal.add(o.live)
	o.journal.keep(o.live, o.entry)
	o.journal.enqueue(o.live)
}

// adoptOp adds an entry that is leased to the caller.
type adoptOp struct {
	*acceptOp
	lease *lease
}

func (o *adoptOp) apply(t *transaction) error {
	if err := o.acceptOp.apply(t); err != nil {
		return err
	}
	t.put(t.runs, []byte(o.live.id), o.live.run.bytes())
	return nil
}

func (o *adoptOp) committed() {
	o.journal.add(o.live)
	o.live.holder = o.lease
}

// abandoned drops the entry: its caller took the execution for not adopted, and has cancelled it by
// now. If that fails, it runs again.
func (o *adoptOp) abandoned() operation { return &discardOp{journal: o.journal, live: o.live} }

// discardOp drops an entry and leaves no record.
type discardOp struct {
	baseOp
	journal *Journal
	live    *liveEntry
}

func (o *discardOp) apply(t *transaction) error {
	t.endEntry(o.live.id, o.live.workflow, o.live.hour)
	if p := t.part(o.live.hour); p != nil {
		p.sources.del(t, []byte(o.live.id))
	}
	return nil
}

func (o *discardOp) committed() { o.journal.drop(o.live) }

// has reports whether an entry or its record is stored.
func (t *transaction) has(live *liveEntry) bool {
	if t.live.Get([]byte(live.id)) != nil {
		return true
	}
	p := t.part(live.hour)
	return p != nil && p.records.short.Get([]byte(live.id)) != nil
}

// reservationOf returns the reservation of an entry's key.
func reservationOf(e *journal.Entry) journal.Reservation {
	return journal.Reservation{ID: e.ID, Workflow: e.Workflow, Key: *e.Key}
}

// nextSeq returns a number that is greater than all before, also than those of earlier processes.
func (j *Journal) nextSeq() int64 {
	j.seq = max(j.seq+1, j.now().UnixNano())
	return j.seq
}

// maxStepHead is the most that a step's value has beside the step's own bytes.
const maxStepHead = 3 * binary.MaxVarintLen64

// putStep stores a step. A step of the same node is replaced and keeps its place.
func (t *transaction) putStep(id, workflow string, s journal.Step, seq int64) {
	key := append([]byte(id), s.Node...)
	if old := t.steps.short.Get(key); old != nil {
		head, err := t.steps.head(old)
		if n, size := binary.Varint(head); err == nil && size > 0 {
			seq = n
		}
		t.usage.add(workflow, workflowUsage{work: -stepSpace(lengthOf(old))})
	}
	v := make([]byte, 0, len(s.Handle)+len(s.Output)+maxStepHead)
	v = binary.AppendVarint(v, seq)
	v = appendText(appendText(v, s.Handle), s.Output)
	t.usage.add(workflow, workflowUsage{work: stepSpace(len(v))})
	t.steps.put(t, key, v)
}
