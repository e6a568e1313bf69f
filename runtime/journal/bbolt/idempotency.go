package bbolt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// reserved is what is kept of a key.
type reserved struct {
	until    time.Time
	digest   []byte
	id       string
	settled  bool
	response []byte // in keys that an earlier version has written
	kept     int64  // where its response is kept, 0 = nowhere
}

func (k reserved) bytes() []byte {
	b := appendTime(make([]byte, 0, len(k.response)+len(k.id)+64), k.until)
	b = appendText(b, k.digest)
	b = appendText(b, k.id)
	if !k.settled {
		return b
	}
	return binary.AppendVarint(appendText(b, k.response), k.kept)
}

func readReserved(b []byte) (k reserved, err error) {
	r := reader{rest: b}
	k.until, k.digest, k.id = r.time(), r.bytes(), r.text()
	if k.settled = len(r.rest) > 0; k.settled {
		k.response = r.bytes()
	}
	if len(r.rest) > 0 {
		k.kept = r.number()
	}
	return k, r.err
}

// keyHash names a key. A workflow's id has no zero byte.
func keyHash(workflow, text string) []byte {
	h := sha256.Sum256([]byte(workflow + "\x00" + text))
	return h[:]
}

// expiryKey orders keys by their time.
func expiryKey(until time.Time, hash []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(until.UnixNano())), hash...)
}

// taken says why a key cannot be reserved for an execution; own tells that the execution has it
// already.
func (j *Journal) taken(tx *bolt.Tx, r journal.Reservation) (own bool, err error) {
	v := tx.Bucket(bucketKeys).Get(keyHash(r.Workflow, r.Key.Text))
	if v == nil {
		return false, nil
	}
	k, err := readReserved(v)
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
		if d.Response, err = k.responseIn(tx); err != nil {
			return false, err
		}
	}
	return false, d
}

// seen is taken without a write, for an entry's key.
func (j *Journal) seen(e *journal.Entry) error {
	if e.Key == nil {
		return nil
	}
	return j.seenKey(reservation(e))
}

func (j *Journal) seenKey(r journal.Reservation) error {
	return j.view(func(tx *bolt.Tx) error {
		_, err := j.taken(tx, r)
		return err
	})
}

// reserve writes a key that is free or the execution's own; with a response it needs no settling.
func (j *Journal) reserve(t *transaction, r journal.Reservation) {
	hash := keyHash(r.Workflow, r.Key.Text)
	t.dropKey(hash)
	k := reserved{until: r.Key.Until, digest: r.Key.Digest[:], id: r.ID, settled: r.Key.Response != nil}
	k.kept = j.keep(t, r.Workflow, hash, r.Key.Response)
	t.put(t.keys, hash, k.bytes())
	t.put(t.expiry, expiryKey(k.until, hash), []byte(r.Workflow))
	t.accounts.change(r.Workflow, account{keys: keySpace})
	if !k.settled {
		t.put(t.held, hash, nil)
	}
}

// dropKey forgets a key, if it is there.
func (t *transaction) dropKey(hash []byte) {
	v := t.keys.Get(hash)
	if v == nil {
		return
	}
	k, err := readReserved(v)
	if err != nil {
		t.fail(err)
		return
	}
	expiry := expiryKey(k.until, hash)
	t.accounts.change(string(t.expiry.Get(expiry)), account{keys: -keySpace})
	if k.kept != 0 {
		t.dropKept(keptKey(k.kept))
	} else if len(k.response) > 0 {
		t.dropKept(inlineKey(expiry))
	}
	t.del(t.expiry, expiry)
	t.del(t.keys, hash)
	t.del(t.held, hash)
}

// Reserve reserves a key until Settle, Free or Adopt, or until the process ends.
func (j *Journal) Reserve(ctx context.Context, r journal.Reservation) error {
	if err := j.seenKey(r); err != nil {
		return err
	}
	return j.do(ctx, &op{
		size: keySpace, grows: true,
		apply: func(t *transaction) error {
			own, err := j.taken(t.Tx, r)
			if err != nil {
				return err
			}
			if !own {
				if err := quotaOf(j.limits.Load()).mayBegin(t.accounts.of(r.Workflow), keySpace); err != nil {
					return err
				}
			}
			j.reserve(t, r)
			return nil
		},
	})
}

// Settle keeps the response of a key.
func (j *Journal) Settle(ctx context.Context, r journal.Reservation, response []byte) error {
	r.Key.Response = append([]byte{}, response...)
	return j.do(ctx, &op{size: len(response), apply: j.ifOwn(r, func(t *transaction) { j.reserve(t, r) })})
}

// Free forgets a key.
func (j *Journal) Free(ctx context.Context, r journal.Reservation) error {
	return j.do(ctx, &op{apply: j.ifOwn(r, func(t *transaction) { t.dropKey(keyHash(r.Workflow, r.Key.Text)) })})
}

// ifOwn applies a change to a key that is r's, and nothing otherwise.
func (j *Journal) ifOwn(r journal.Reservation, change func(*transaction)) func(*transaction) error {
	return func(t *transaction) error {
		if own, _ := j.taken(t.Tx, r); own {
			change(t)
		}
		return nil
	}
}

// sweepMost bounds what one commit forgets of keys that have expired.
const sweepMost = 1000

// sweep forgets keys that have expired, and tells whether there are more.
func (t *transaction) sweep(now time.Time) (more bool) {
	end := binary.BigEndian.AppendUint64(nil, uint64(now.UnixNano()))
	var due [][]byte
	c := t.expiry.Cursor()
	for k, _ := c.First(); k != nil && bytes.Compare(k, end) < 0; k, _ = c.Next() {
		if len(due) == sweepMost {
			more = true
			break
		}
		due = append(due, bytes.Clone(k[8:]))
	}
	for _, hash := range due {
		t.dropKey(hash)
		t.dirty = true
	}
	return more
}
