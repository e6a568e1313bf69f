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

// Put keeps records in one commit.
func (j *Journal) Put(ctx context.Context, ended ...journal.Ended) error {
	type row struct {
		id     string
		hour   uint32
		record []byte
		entry  *journal.Entry
		source []byte
		digest [sha256.Size]byte
	}
	rows := make([]row, 0, len(ended))
	size := 0
	for _, e := range ended {
		hour, err := hourOf(e.Record.ID)
		if err != nil {
			return fmt.Errorf("%w: %q", err, e.Record.ID)
		}
		r := row{id: e.Record.ID, hour: hour, entry: e.Source}
		if r.record, err = encodeRecord(e.Record); err != nil {
			return err
		}
		if e.Source != nil {
			r.digest = sha256.Sum256(e.Source.Document)
			r.source = appendSource(nil, e.Source, r.digest)
		}
		size += len(r.record) + len(r.source)
		rows = append(rows, r)
	}
	return j.do(ctx, &op{size: size, grows: true, apply: func(t *transaction) error {
		for _, r := range rows {
			p := t.part(r.hour)
			if p == nil {
				return nil
			}
			p.rec.put(t, []byte(r.id), r.record)
			if r.entry != nil {
				t.putEntry(r.hour, r.entry, r.source, r.digest)
			}
		}
		return nil
	}})
}

// isOver tells whether the retention of an execution that has ended is: it is not shown, though its
// space may not be free yet.
func (j *Journal) isOver(id string) bool {
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
		if p == nil || j.isOver(id) {
			return journal.ErrUnknown
		}
		stored := p.rec.short.Get([]byte(id))
		if stored == nil {
			return journal.ErrUnknown
		}
		v, err := p.rec.whole(stored)
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

// statusOf is the status of an entry that has not ended.
func (j *Journal) statusOf(id string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if it := j.live[id]; it != nil && it.holder != nil {
		return journal.Running
	}
	return journal.Pending
}

// Source reads what an execution was run from.
func (j *Journal) Source(_ context.Context, id string) (e *journal.Entry, err error) {
	err = j.view(func(tx *bolt.Tx) error {
		if tx.Bucket(bucketLive).Get([]byte(id)) != nil {
			return journal.ErrNotEnded
		}
		if j.isOver(id) {
			return journal.ErrUnknown
		}
		switch e, err = readEntry(tx, id); {
		case errors.Is(err, journal.ErrBadID):
			return journal.ErrUnknown
		case errors.Is(err, journal.ErrForeign): // what has ended is not why the journal is closed
			return errors.New("what the execution was run from is damaged")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Cancel ends a pending entry, or marks one that is leased so that its holder ends it.
func (j *Journal) Cancel(ctx context.Context, id string) error {
	if _, err := j.Get(ctx, id); err != nil {
		return err
	}
	var marked *item
	o := &op{apply: func(t *transaction) error {
		if t.live.Get([]byte(id)) == nil {
			return journal.ErrEnded
		}
		j.mu.Lock()
		it := j.live[id]
		leased := it != nil && (it.holder != nil)
		if it != nil && !leased { // nobody claims it any more, unless load finds it again
			it.stopTimer()
			j.unqueue(it)
		}
		j.mu.Unlock()
		if !leased {
			return j.cancelPending(t, id)
		}
		r := readRun(t.runs.Get([]byte(id)))
		r.running, r.cancelled = true, true
		t.put(t.runs, []byte(id), r.bytes())
		marked = it
		return nil
	}}
	o.kept = func() {
		if marked != nil {
			marked.run.running, marked.run.cancelled = true, true
		} else if it := j.live[id]; it != nil {
			j.drop(it)
		}
	}
	return j.do(ctx, o)
}

// cancelPending puts the record of a cancelled execution in a pending entry's place.
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
