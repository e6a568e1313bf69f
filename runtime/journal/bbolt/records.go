package bbolt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// Put stores records in one commit.
func (j *Journal) Put(ctx context.Context, ended ...journal.Ended) error {
	o := &putOp{rows: make([]putRow, 0, len(ended))}
	o.needsRoom = true
	for _, e := range ended {
		row, err := newPutRow(e)
		if err != nil {
			return err
		}
		o.rows = append(o.rows, row)
		o.bytes += len(row.record) + len(row.source)
	}
	return j.do(ctx, o)
}

// putOp stores records, with what they can be rerun from.
type putOp struct {
	baseOp
	rows []putRow
}

// putRow is one record of a putOp.
type putRow struct {
	id     string
	hour   uint32
	record []byte         // see encodeRecord
	entry  *journal.Entry // nil = the execution cannot be rerun
	source []byte         // of the entry, see encodeSource
	digest [sha256.Size]byte
}

func newPutRow(e journal.Ended) (row putRow, err error) {
	row = putRow{id: e.Record.ID, entry: e.Source}
	if row.hour, err = hourOf(row.id); err != nil {
		return row, fmt.Errorf("%w: %q", err, row.id)
	}
	if row.record, err = encodeRecord(e.Record); err != nil {
		return row, err
	}
	if e.Source != nil {
		row.digest = sha256.Sum256(e.Source.Document)
		row.source = encodeSource(e.Source, row.digest)
	}
	return row, nil
}

func (o *putOp) apply(t *transaction) error {
	for _, row := range o.rows {
		p := t.part(row.hour)
		if p == nil {
			return nil
		}
		p.records.put(t, []byte(row.id), row.record)
		if row.entry != nil {
			t.putEntry(row.hour, row.entry, row.source, row.digest)
		}
	}
	return nil
}

// isExpired reports whether the retention of an ended execution is over. Such an execution is not
// shown, though its space may not be free yet.
func (j *Journal) isExpired(id string) bool {
	at, err := journal.IDTime(id)
	return err == nil && j.now().Sub(at) > j.limits.Load().Retention
}

// Get reads a record.
func (j *Journal) Get(_ context.Context, id string) (r *journal.Record, err error) {
	hour, err := hourOf(id)
	if err != nil {
		return nil, journal.ErrUnknown
	}
	err = j.view(func(tx *bolt.Tx) error {
		if v := tx.Bucket(bucketLive).Get([]byte(id)); v != nil {
			s, err := readLive(id, v)
			s.Status = j.statusOf(id)
			r = &journal.Record{Summary: s}
			return err
		}
		p := readPart(tx, hour)
		if p == nil || j.isExpired(id) {
			return journal.ErrUnknown
		}
		stored := p.records.short.Get([]byte(id))
		if stored == nil {
			return journal.ErrUnknown
		}
		v, err := p.records.whole(stored)
		if err == nil {
			r, err = decodeRecord(v)
		}
		if err != nil {
			r = damagedRecord(id)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// statusOf returns the status of an entry that has not ended.
func (j *Journal) statusOf(id string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if live := j.live[id]; live != nil && live.holder != nil {
		return journal.Running
	}
	return journal.Pending
}

// Source reads the entry that an ended execution was run from.
func (j *Journal) Source(_ context.Context, id string) (e *journal.Entry, err error) {
	err = j.view(func(tx *bolt.Tx) error {
		if tx.Bucket(bucketLive).Get([]byte(id)) != nil {
			return journal.ErrNotEnded
		}
		if j.isExpired(id) {
			return journal.ErrUnknown
		}
		switch e, err = readEntry(tx, id); {
		case errors.Is(err, journal.ErrBadID):
			return journal.ErrUnknown
		// damage to ended executions does not close the journal
		case errors.Is(err, journal.ErrForeign):
			return errors.New("the stored event of the execution is damaged")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Cancel ends a pending entry, or marks a leased one so that its holder ends it.
func (j *Journal) Cancel(ctx context.Context, id string) error {
	if _, err := j.Get(ctx, id); err != nil {
		return err
	}
	return j.do(ctx, &cancelOp{journal: j, id: id})
}

// cancelOp ends a pending entry, or marks a leased one.
type cancelOp struct {
	baseOp
	journal *Journal
	id      string
	marked  *liveEntry // the leased entry; nil = it was pending
}

func (o *cancelOp) apply(t *transaction) error {
	if t.live.Get([]byte(o.id)) == nil {
		return journal.ErrEnded
	}
	j := o.journal
	j.mu.Lock()
	live := j.live[o.id]
	leased := live != nil && live.holder != nil
	if live != nil && !leased { // from here on it is not claimed, unless recovery finds it again
		live.stopTimer()
		j.dequeue(live)
	}
	j.mu.Unlock()
	if !leased {
		return j.cancelPending(t, o.id)
	}
	r := readRun(t.runs.Get([]byte(o.id)))
	r.running, r.cancelled = true, true
	t.put(t.runs, []byte(o.id), r.bytes())
	o.marked = live
	return nil
}

func (o *cancelOp) committed() {
	if o.marked != nil {
		o.marked.run.running, o.marked.run.cancelled = true, true
	} else if live := o.journal.live[o.id]; live != nil {
		o.journal.drop(live)
	}
}

// cancelPending replaces a pending entry by the record of a cancelled execution.
func (j *Journal) cancelPending(t *transaction, id string) error {
	v := t.live.Get([]byte(id))
	if v == nil {
		return t.err
	}
	s, err := readLive(id, bytes.Clone(v))
	if err != nil {
		return err
	}
	hour, err := hourOf(id)
	if err != nil {
		return err
	}
	s.EndedAt, s.Status = j.now().UTC(), journal.Cancelled
	value, err := encodeRecord(&journal.Record{Summary: s})
	if err != nil {
		return err
	}
	t.finish(id, s.Workflow, hour, value)
	return nil
}
