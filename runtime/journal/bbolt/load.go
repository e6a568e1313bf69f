package bbolt

import (
	"bytes"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// load takes up what the file holds. The first time, what ran when the process before ended is pending again, a death
// older, and keys whose executions went with that process are free.
//
// When the file is opened again after a failure, leases go on: only what the failed write has changed, or not, is set right.
func (j *Journal) load(db *bolt.DB, first bool) error {
	if first {
		if err := db.Update(func(tx *bolt.Tx) error { return j.recover(begin(tx)) }); err != nil {
			return fmt.Errorf("taking up what it holds: %w", err)
		}
	}
	var order []*item
	err := db.View(func(tx *bolt.Tx) error {
		runs := tx.Bucket(bucketRuns)
		return tx.Bucket(bucketLive).ForEach(func(k, v []byte) error {
			s, err := readLive(string(k), v)
			if err != nil {
				return fmt.Errorf("%w: execution %q: %w", journal.ErrForeign, k, err)
			}
			it, err := newItem(s.ID, s.Workflow, s.AcceptedAt)
			if err != nil {
				return fmt.Errorf("%w: execution %q: %w", journal.ErrForeign, k, err)
			}
			it.recovered = true
			it.run = readRun(runs.Get(k))
			order = append(order, it)
			return nil
		})
	})
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.live) > 0 {
		j.dropOthers(order)
	} else {
		j.live = make(map[string]*item, len(order))
	}
	for _, it := range order {
		if j.live[it.id] == nil {
			j.add(it)
			j.enqueue(it)
		}
	}
	j.awaken()
	return nil
}

// dropOthers forgets what is not in the file. The caller holds the lock.
func (j *Journal) dropOthers(found []*item) {
	there := make(map[string]bool, len(found))
	for _, it := range found {
		there[it.id] = true
	}
	for id, it := range j.live {
		if !there[id] {
			j.drop(it)
		}
	}
}

// recover settles what the end of a process has left behind.
func (j *Journal) recover(t *transaction) error {
	changed := make(map[string]run)
	if err := t.runs.ForEach(func(k, v []byte) error {
		r := readRun(v)
		if r.running {
			changed[string(k)] = run{deaths: min(r.deaths, 254) + 1, cancelled: r.cancelled}
		} else if r.cancelled {
			changed[string(k)] = r
		}
		return nil
	}); err != nil {
		return err
	}
	for id, r := range changed {
		t.put(t.runs, []byte(id), r.bytes())
		if !r.cancelled {
			continue
		}
		if err := j.cancelPending(t, id); err != nil {
			return err
		}
	}
	var held [][]byte
	if err := t.held.ForEach(func(k, _ []byte) error {
		held = append(held, bytes.Clone(k))
		return nil
	}); err != nil {
		return err
	}
	for _, hash := range held {
		t.dropKey(hash)
	}
	return t.err
}
