package bbolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// Bounds of what one Read returns.
const (
	maxReadItems = 256
	maxReadBytes = 1 << 20
)

// Read implements journal.Sealed, in one short transaction.
func (s *sealed) Read(ctx context.Context, after string) ([]journal.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := reading{journal: s.journal, after: after}
	if err := s.db.view(r.read); err != nil {
		return nil, s.journal.withPath(err)
	}
	return r.items, nil
}

// reading is the state of a Read.
type reading struct {
	journal *Journal
	after   string
	items   []journal.Item
	bytes   int
}

func (r *reading) add(i journal.Item, size int) {
	r.items = append(r.items, i)
	r.bytes += size
}

func (r *reading) full() bool { return len(r.items) >= maxReadItems || r.bytes >= maxReadBytes }

func (r *reading) read(tx *bolt.Tx) error {
	for _, kind := range []struct {
		of   journal.Item
		read func(tx *bolt.Tx, after string) error
	}{
		{journal.Item{Key: new(journal.MovedKey)}, r.keys},
		{journal.Item{Record: &journal.Ended{Record: new(journal.Record)}}, r.records},
		{journal.Item{Pending: new(journal.Entry)}, r.pending},
	} {
		first := kind.of.Place()[:1]
		if r.full() || len(r.after) > 0 && r.after[:1] > first {
			continue
		}
		after := ""
		if len(r.after) > 0 && r.after[:1] == first {
			after = r.after[1:]
		}
		if err := kind.read(tx, after); err != nil {
			return err
		}
	}
	return nil
}

// keys reads keys with their responses.
func (r *reading) keys(tx *bolt.Tx, after string) error {
	now := r.journal.now()
	all := tx.Bucket(bucketKeys)
	c := tx.Bucket(bucketExpiry).Cursor()
	var first []byte
	if _, err := fmt.Sscanf(after, "%x", &first); err != nil && after != "" {
		return fmt.Errorf("%w: a place %q", journal.ErrBadCursor, after)
	}
	for k, workflow := seekAfter(c, first); k != nil && !r.full(); k, workflow = c.Next() {
		if len(k) != 8+len(journal.MovedKey{}.Name) {
			return fmt.Errorf("%w: an idempotency key", errDamaged)
		}
		v := all.Get(k[8:])
		stored, err := readStoredKey(v)
		if err != nil || len(stored.digest) != len(journal.MovedKey{}.Digest) || !bytes.Equal(k, expiryKey(stored.until, k[8:])) {
			return fmt.Errorf("%w: an idempotency key", errDamaged)
		}
		if !stored.settled || !stored.until.After(now) {
			continue
		}
		response, err := stored.response(tx)
		if err != nil {
			return err
		}
		key := &journal.MovedKey{Workflow: string(workflow), ID: stored.id, Until: stored.until, Response: response}
		copy(key.Name[:], k[8:])
		copy(key.Digest[:], stored.digest)
		r.add(journal.Item{Key: key}, len(response)+keySpace)
	}
	return nil
}

// seekAfter moves a cursor behind a key.
func seekAfter(c *bolt.Cursor, key []byte) (k, v []byte) {
	if len(key) == 0 {
		return c.First()
	}
	if k, v = c.Seek(key); bytes.Equal(k, key) {
		return c.Next()
	}
	return k, v
}

// records reads ended executions with what they can be rerun from.
func (r *reading) records(tx *bolt.Tx, after string) error {
	var hour uint32
	if after != "" {
		var err error
		if hour, err = hourOf(after); err != nil {
			return fmt.Errorf("%w: a place %q", journal.ErrBadCursor, after)
		}
	}
	parts := tx.Bucket(bucketParts).Cursor()
	for k, _ := parts.Seek(hourKey(hour)); k != nil; k, _ = parts.Next() {
		p := partOf(parts.Bucket().Bucket(k))
		c := p.records.short.open().Cursor()
		for id, v := seekAfter(c, []byte(after)); id != nil; id, v = c.Next() {
			if r.full() {
				return nil
			}
			if err := r.record(tx, p, string(id), v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reading) record(tx *bolt.Tx, p *part, id string, v []byte) error {
	if r.journal.isExpired(id) {
		return nil
	}
	if _, err := hourOf(id); err != nil {
		return fmt.Errorf("%w: the record of execution %q", errDamaged, id)
	}
	ended := &journal.Ended{}
	whole, err := p.records.whole(v)
	if err == nil {
		ended.Record, err = decodeRecord(whole)
	}
	if err != nil {
		ended.Record = damagedRecord(id)
	}
	ended.Record.ID = id
	size := len(whole)
	// An event that is damaged, or gone, leaves a record that cannot be rerun.
	if ended.Source, err = readEntry(tx, id); err == nil {
		size += len(ended.Source.Data) + len(ended.Source.Query) + len(ended.Source.Headers) + len(ended.Source.Document)
	}
	r.add(journal.Item{Record: ended}, size)
	return nil
}

// pending reads entries that have not ended, with their steps.
func (r *reading) pending(tx *bolt.Tx, after string) error {
	runs := tx.Bucket(bucketRuns)
	c := tx.Bucket(bucketLive).Cursor()
	for k, v := seekAfter(c, []byte(after)); k != nil && !r.full(); k, v = c.Next() {
		id := string(k)
		row, err := readLive(id, bytes.Clone(v))
		if err != nil {
			return fmt.Errorf("execution %q: %w", id, err)
		}
		e, err := readEntry(tx, id)
		if errors.Is(err, journal.ErrUnknown) || errors.Is(err, journal.ErrBadID) {
			err = errDamaged
		}
		if err == nil {
			e.Steps, err = readSteps(tx, id)
		}
		if err != nil {
			return fmt.Errorf("execution %q: %w", id, err)
		}
		run := readRun(runs.Get(k))
		e.Source, e.Deaths = row.Source, int(run.deaths)
		if run.began != 0 {
			e.Began = time.Unix(0, run.began).UTC()
		}
		size := keptSize(e)
		for _, s := range e.Steps {
			size += len(s.Output)
		}
		r.add(journal.Item{Pending: e}, size)
	}
	return nil
}
