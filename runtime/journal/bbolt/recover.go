package bbolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// openMode is why the file is opened.
type openMode uint8

const (
	// atStart: the file may be made, and executions that run in it ended with an earlier process.
	atStart openMode = iota
	// afterFailure: leases of this process go on.
	afterFailure
)

// load reads the state of the file. At the start, executions that ran when the previous process
// ended are pending again with one more death, and keys whose executions ended with it are freed.
//
// After a failure, leases go on. Memory is corrected by what the failed write has changed or not.
func (j *Journal) load(db *database, mode openMode) error {
	if err := db.view(checkUsable); err != nil {
		return err
	}
	if mode == atStart {
		if err := j.upgradeAndRecover(db); err != nil {
			return fmt.Errorf("recovering its content: %w", err)
		}
	}
	var order []*liveEntry
	err := db.view(func(tx *bolt.Tx) (err error) {
		if j.usage, err = readUsage(tx); err != nil {
			return err
		}
		if mode == atStart {
			if err := j.loadCounts(tx); err != nil {
				return err
			}
		}
		j.seq = max(j.seq, lastSeq(tx))
		runs := tx.Bucket(bucketRuns)
		return tx.Bucket(bucketLive).ForEach(func(k, v []byte) error {
			s, err := readLive(string(k), v)
			if err != nil {
				return fmt.Errorf("execution %q: %w", k, err)
			}
			live, err := newLiveEntry(s.ID, s.Workflow, s.AcceptedAt)
			if err != nil {
				return fmt.Errorf("%w: execution %q", errDamaged, k)
			}
			live.recovered = true
			live.run = readRun(runs.Get(k))
			live.began = live.run.began
			order = append(order, live)
			return nil
		})
	})
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.live) > 0 {
		j.dropMissing(order)
	} else {
		j.live = make(map[string]*liveEntry, len(order))
	}
	for _, live := range order {
		if known := j.live[live.id]; known != nil {
			live = known
		} else {
			j.add(live)
		}
		if live.holder == nil && live.timer == nil {
			j.enqueueQuietly(live)
		}
	}
	j.wakeClaims()
	return nil
}

// lastSeq returns the greatest number in the keys of long values and stored responses. Later ones
// are greater, whatever the clock says.
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
	look(tx.Bucket(bucketResponses))
	parts := tx.Bucket(bucketParts)
	_ = parts.ForEachBucket(func(k []byte) error {
		look(parts.Bucket(k).Bucket(bucketLong))
		return nil
	})
	return last
}

// dropMissing drops entries that are not in the file. The caller holds the lock.
func (j *Journal) dropMissing(found []*liveEntry) {
	stored := make(map[string]bool, len(found))
	for _, live := range found {
		stored[live.id] = true
	}
	for id, live := range j.live {
		if !stored[id] {
			j.drop(live)
		}
	}
}

// upgradeAndRecover upgrades a file of an earlier version, and cleans up after the process before.
// Each of its commits leaves a whole file.
func (j *Journal) upgradeAndRecover(db *database) error {
	// The usage is read afterwards.
	if err := j.transact(db, newUsage(), (*transaction).addBuckets); err != nil && !errors.Is(err, errNothing) {
		return err
	}
	if err := j.transact(db, newUsage(), j.recoverRuns); err != nil && !errors.Is(err, errNothing) {
		return err
	}
	var last []byte
	for more := true; more; {
		if err := j.transact(db, newUsage(), func(t *transaction) (err error) {
			last, more, err = t.indexInlineResponses(last)
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

// addBuckets adds the buckets that files of an earlier version lack. From then on that version
// rejects the file, because it would take long values for damage.
func (t *transaction) addBuckets() error {
	if b := (&lookup{in: t.Tx, name: bucketMeta}); !bytes.Equal(b.Get(keyFormat), format) {
		t.put(b, keyFormat, format)
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

// maxIndexed is the most keys of an earlier version that one commit takes over.
const maxIndexed = 5000

// indexInlineResponses adds the responses that an earlier version has stored in their keys to the
// stored responses, before all others. It reads the keys after the given one. It returns the last
// key that it has added, and whether there may be more.
func (t *transaction) indexInlineResponses(after []byte) (last []byte, more bool, err error) {
	type found struct {
		key []byte
		storedResponse
	}
	var all []found
	c := t.keys.open().Cursor()
	for hash, v := c.Seek(after); hash != nil; hash, v = c.Next() {
		k, err := readStoredKey(v)
		if err != nil {
			return nil, false, err
		}
		if len(k.inline) == 0 {
			continue
		}
		key := inlineResponseKey(expiryKey(k.until, hash))
		if t.responses.short.Get(key) != nil {
			continue
		}
		if len(all) == maxIndexed {
			more = true
			break
		}
		all = append(all, found{key, storedResponse{keyHash: bytes.Clone(hash), inline: len(k.inline)}})
	}
	for _, f := range all {
		t.responses.put(t, f.key, f.bytes())
		last = f.keyHash
	}
	return last, more, t.err
}

// recoverRuns counts the deaths of executions that ran when the previous process ended, cancels
// those that were to be cancelled, and frees the keys of executions that ended with it.
func (j *Journal) recoverRuns(t *transaction) error {
	changed := make(map[string]run)
	if err := t.runs.open().ForEach(func(k, v []byte) error {
		r := readRun(v)
		if r.running {
			changed[string(k)] = run{deaths: min(r.deaths, 254) + 1, cancelled: r.cancelled, began: r.began}
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
	var unsettled [][]byte
	if err := t.unsettled.open().ForEach(func(k, _ []byte) error {
		unsettled = append(unsettled, bytes.Clone(k))
		return nil
	}); err != nil {
		return err
	}
	for _, hash := range unsettled {
		t.dropKey(hash)
	}
	return t.err
}
