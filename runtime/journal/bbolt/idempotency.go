package bbolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// storedKey is an idempotency key as it is stored.
type storedKey struct {
	until       time.Time
	digest      []byte
	id          string // of the execution
	settled     bool   // duplicates get a stored response; false while the execution runs
	inline      []byte // the response, in keys that an earlier version has written
	responseSeq int64  // the number of the stored response; 0 = none
}

func (k storedKey) bytes() []byte {
	b := appendTime(make([]byte, 0, len(k.inline)+len(k.id)+64), k.until)
	b = appendText(b, k.digest)
	b = appendText(b, k.id)
	if !k.settled {
		return b
	}
	return binary.AppendVarint(appendText(b, k.inline), k.responseSeq)
}

func readStoredKey(b []byte) (k storedKey, err error) {
	r := reader{rest: b}
	k.until, k.digest, k.id = r.time(), r.bytes(), r.text()
	if k.settled = len(r.rest) > 0; k.settled {
		k.inline = r.bytes()
	}
	if len(r.rest) > 0 {
		k.responseSeq = r.number()
	}
	return k, r.err
}

// keyHash returns the name under which a key is stored.
func keyHash(workflow, text string) []byte {
	h := journal.KeyName(workflow, text)
	return h[:]
}

// expiryKey orders keys by the time they expire.
func expiryKey(until time.Time, hash []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(until.UnixNano())), hash...)
}

// checkKey returns why a key cannot be reserved for an execution. own reports whether the execution
// has it already.
func (j *Journal) checkKey(tx *bolt.Tx, r journal.Reservation) (own bool, err error) {
	v := tx.Bucket(bucketKeys).Get(keyHash(r.Workflow, r.Key.Text))
	if v == nil {
		return false, nil
	}
	k, err := readStoredKey(v)
	switch {
	case err != nil:
		return false, err
	case !k.until.After(j.now()):
		return false, nil
	case k.id == r.ID:
		return true, nil
	case !bytes.Equal(k.digest, r.Key.Digest[:]):
		return false, journal.ErrKeyReused
	}
	d := &journal.DuplicateError{ID: k.id}
	if k.settled {
		if d.Response, err = k.response(tx); err != nil {
			return false, err
		}
	}
	return false, d
}

// findDuplicate is checkKey in a reading transaction.
func (j *Journal) findDuplicate(r journal.Reservation) error {
	return j.view(func(tx *bolt.Tx) error {
		_, err := j.checkKey(tx, r)
		return err
	})
}

// storeKey writes a key that is free or the execution's own. A key with a response is settled.
func (j *Journal) storeKey(t *transaction, r journal.Reservation) {
	k := storedKey{until: r.Key.Until, digest: r.Key.Digest[:], id: r.ID, settled: r.Key.Response != nil}
	j.putKey(t, r.Workflow, keyHash(r.Workflow, r.Key.Text), k, r.Key.Response)
}

// putKey writes a key under its name, in place of another one.
func (j *Journal) putKey(t *transaction, workflow string, hash []byte, k storedKey, response []byte) {
	t.dropKey(hash)
	k.responseSeq = j.storeResponse(t, workflow, hash, response)
	t.put(t.keys, hash, k.bytes())
	t.put(t.expiry, expiryKey(k.until, hash), []byte(workflow))
	t.usage.add(workflow, workflowUsage{keys: keySpace})
	if !k.settled {
		t.put(t.unsettled, hash, nil)
	}
}

// dropKey deletes a key with its response, if it is stored.
func (t *transaction) dropKey(hash []byte) {
	v := t.keys.Get(hash)
	if v == nil {
		return
	}
	k, err := readStoredKey(v)
	if err != nil {
		t.fail(err)
		return
	}
	expiry := expiryKey(k.until, hash)
	t.usage.add(string(t.expiry.Get(expiry)), workflowUsage{keys: -keySpace})
	if k.responseSeq != 0 {
		t.dropResponse(responseKey(k.responseSeq))
	} else if len(k.inline) > 0 {
		t.dropResponse(inlineResponseKey(expiry))
	}
	t.del(t.expiry, expiry)
	t.del(t.keys, hash)
	t.del(t.unsettled, hash)
}

// Reserve reserves a key until Settle, Free or Adopt, or until the process ends.
func (j *Journal) Reserve(ctx context.Context, r journal.Reservation) error {
	if err := j.findDuplicate(r); err != nil {
		return err
	}
	return j.do(ctx, &reserveOp{
		baseOp: baseOp{bytes: keySpace, needsRoom: true}, journal: j, reservation: r,
	})
}

// reserveOp adds a key of an execution that runs.
type reserveOp struct {
	baseOp
	journal     *Journal
	reservation journal.Reservation
}

func (o *reserveOp) apply(t *transaction) error {
	j, r := o.journal, o.reservation
	own, err := j.checkKey(t.Tx, r)
	if err != nil {
		return err
	}
	if !own {
		if err := quotaOf(j.limits.Load()).checkNewWork(t.usage.of(r.Workflow), keySpace); err != nil {
			return err
		}
	}
	j.storeKey(t, r)
	return nil
}

// Settle stores the response of a key.
func (j *Journal) Settle(ctx context.Context, r journal.Reservation, response []byte) error {
	r.Key.Response = append([]byte{}, response...)
	return j.do(ctx, &settleOp{baseOp: baseOp{bytes: len(response)}, journal: j, reservation: r})
}

// settleOp stores the response of a key, if the key still belongs to the execution.
type settleOp struct {
	baseOp
	journal     *Journal
	reservation journal.Reservation
}

func (o *settleOp) apply(t *transaction) error {
	if own, _ := o.journal.checkKey(t.Tx, o.reservation); own {
		o.journal.storeKey(t, o.reservation)
	}
	return nil
}

// Free deletes a key.
func (j *Journal) Free(ctx context.Context, r journal.Reservation) error {
	return j.do(ctx, &freeOp{journal: j, reservation: r})
}

// freeOp deletes a key, if it still belongs to the execution.
type freeOp struct {
	baseOp
	journal     *Journal
	reservation journal.Reservation
}

func (o *freeOp) apply(t *transaction) error {
	if own, _ := o.journal.checkKey(t.Tx, o.reservation); own {
		t.dropKey(keyHash(o.reservation.Workflow, o.reservation.Key.Text))
	}
	return nil
}

// maxExpiredKeys is the most expired keys that one commit deletes.
const maxExpiredKeys = 1000

// dropExpiredKeys deletes expired keys, and reports whether there are more.
func (t *transaction) dropExpiredKeys(now time.Time) (more bool) {
	end := binary.BigEndian.AppendUint64(nil, uint64(now.UnixNano()))
	var expired [][]byte
	c := t.expiry.open().Cursor()
	for k, _ := c.First(); k != nil && bytes.Compare(k, end) < 0; k, _ = c.Next() {
		if len(expired) == maxExpiredKeys {
			more = true
			break
		}
		expired = append(expired, bytes.Clone(k[8:]))
	}
	for _, hash := range expired {
		t.dropKey(hash)
		t.dirty = true
	}
	return more
}
