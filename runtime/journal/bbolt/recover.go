package bbolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// load takes up what the file holds. The first time, what ran when the process before ended is
// pending again, a death older, and keys whose executions went with that process are free.
//
// When the file is opened again after a failure, leases go on: only what the failed write has
// changed, or not, is set right.
func (j *Journal) load(db *opened, first bool) error {
	if err := db.view(checkBuckets); err != nil {
		return err
	}
	if first {
		if err := j.prepare(db); err != nil {
			return fmt.Errorf("taking up what it holds: %w", err)
		}
	}
	var order []*item
	err := db.view(func(tx *bolt.Tx) (err error) {
		if j.accounts, err = readAccounts(tx); err != nil {
			return err
		}
		j.seq = max(j.seq, lastSeq(tx))
		runs := tx.Bucket(bucketRuns)
		return tx.Bucket(bucketLive).ForEach(func(k, v []byte) error {
			s, err := readLive(string(k), v)
			if err != nil {
				return fmt.Errorf("execution %q: %w", k, err)
			}
			it, err := newItem(s.ID, s.Workflow, s.AcceptedAt)
			if err != nil {
				return fmt.Errorf("%w: execution %q", errDamaged, k)
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
		if known := j.live[it.id]; known != nil {
			it = known
		} else {
			j.add(it)
		}
		if it.holder == nil && it.timer == nil {
			j.enqueue(it)
		}
	}
	j.awaken()
	return nil
}

// lastSeq is the greatest number in the keys of long values and kept responses: later ones are
// greater, whatever the clock says.
func lastSeq(tx *bolt.Tx) (last int64) {
	look := func(b *bolt.Bucket) {
		if b == nil {
			return
		}
		if k, _ := b.Cursor().Last(); len(k) >= 8 {
			last = max(last, int64(binary.BigEndian.Uint64(k)))
		}
	}
	look(tx.Bucket(bucketLong))
	look(tx.Bucket(bucketKept))
	parts := tx.Bucket(bucketParts)
	_ = parts.ForEachBucket(func(k []byte) error {
		look(parts.Bucket(k).Bucket(bucketLong))
		return nil
	})
	return last
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

// prepare makes a file one of this version, and settles what the end of a process has left behind.
// Each of its commits leaves a whole file.
func (j *Journal) prepare(db *opened) error {
	// The accounts are read afterwards.
	if err := j.transact(db, newAccounts(), (*transaction).makeBuckets); err != nil && !errors.Is(err, errNothing) {
		return err
	}
	if err := j.transact(db, newAccounts(), j.recover); err != nil && !errors.Is(err, errNothing) {
		return err
	}
	var last []byte
	for more := true; more; {
		if err := j.transact(db, newAccounts(), func(t *transaction) (err error) {
			last, more, err = t.indexInline(last)
			if err == nil && last == nil {
				return errNothing
			}
			return err
		}); err != nil && !errors.Is(err, errNothing) {
			return err
		}
	}
	return nil
}

// makeBuckets makes those that files of an earlier version do not have. From then on that version
// refuses the file, as it would take long values for damage.
func (t *transaction) makeBuckets() error {
	if meta := t.Bucket(bucketMeta); !bytes.Equal(meta.Get(keyFormat), format) {
		t.put(meta, keyFormat, format)
		t.dirty = true
	}
	for _, name := range laterBuckets {
		if t.Bucket(name) != nil {
			continue
		}
		if _, err := t.CreateBucket(name); err != nil {
			return err
		}
		t.dirty = true
	}
	if !t.dirty {
		return errNothing
	}
	return t.err
}

// indexMost bounds what one commit takes over of an earlier version.
const indexMost = 5000

// indexInline enters responses that stand in their keys, as an earlier version has written them,
// among those that are kept: they go before all others. It looks at the keys behind after. It
// returns the last one that it has entered, and whether there may be more.
func (t *transaction) indexInline(after []byte) (last []byte, more bool, err error) {
	type found struct {
		key []byte
		kept
	}
	var all []found
	c := t.keys.Cursor()
	for hash, v := c.Seek(after); hash != nil; hash, v = c.Next() {
		k, err := readReserved(v)
		if err != nil {
			return nil, false, err
		}
		if len(k.response) == 0 {
			continue
		}
		key := inlineKey(expiryKey(k.until, hash))
		if t.kept.short.Get(key) != nil {
			continue
		}
		if len(all) == indexMost {
			more = true
			break
		}
		all = append(all, found{key, kept{hash: bytes.Clone(hash), inline: len(k.response)}})
	}
	for _, f := range all {
		t.kept.put(t, f.key, f.bytes())
		last = f.hash
	}
	return last, more, t.err
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
