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
	response []byte
}

func (k reserved) bytes() []byte {
	b := appendTime(make([]byte, 0, len(k.response)+len(k.id)+64), k.until)
	b = appendText(b, k.digest)
	b = appendText(b, k.id)
	if !k.settled {
		return b
	}
	return appendText(b, k.response)
}

func readReserved(b []byte) (k reserved, err error) {
	r := reader{rest: b}
	k.until, k.digest, k.id = r.time(), r.bytes(), r.text()
	if k.settled = len(r.rest) > 0; k.settled {
		k.response = r.bytes()
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

// taken says why a key cannot be reserved for an execution; own tells that the execution has it already.
func (j *Journal) taken(keys *bolt.Bucket, r journal.Reservation) (own bool, err error) {
	v := keys.Get(keyHash(r.Workflow, r.Key.Text))
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
		d.Response = append([]byte{}, k.response...)
	}
	return false, d
}

// seen is taken without a write, for an entry's key.
func (j *Journal) seen(e *journal.Entry) error {
	if e.Key == nil {
		return nil
	}
	return j.seenKey(journal.Reservation{ID: e.ID, Workflow: e.Workflow, Key: *e.Key})
}

func (j *Journal) seenKey(r journal.Reservation) error {
	return j.view(func(tx *bolt.Tx) error {
		_, err := j.taken(tx.Bucket(bucketKeys), r)
		return err
	})
}

// reserve writes a key; with a response it needs no settling.
func (j *Journal) reserve(t *transaction, r journal.Reservation) error {
	if _, err := j.taken(t.keys, r); err != nil {
		return err
	}
	hash := keyHash(r.Workflow, r.Key.Text)
	t.dropKey(hash)
	k := reserved{
		until: r.Key.Until, digest: r.Key.Digest[:], id: r.ID,
		settled: r.Key.Response != nil, response: r.Key.Response,
	}
	t.put(t.keys, hash, k.bytes())
	t.put(t.expiry, expiryKey(k.until, hash), nil)
	if !k.settled {
		t.put(t.held, hash, nil)
	}
	return nil
}

// dropKey forgets a key, if it is there.
func (t *transaction) dropKey(hash []byte) {
	v := t.keys.Get(hash)
	if v == nil {
		return
	}
	if k, err := readReserved(v); err == nil {
		t.del(t.expiry, expiryKey(k.until, hash))
	}
	t.del(t.keys, hash)
	t.del(t.held, hash)
}

// Reserve reserves a key until Settle, Free or Adopt, or until the process ends.
func (j *Journal) Reserve(ctx context.Context, r journal.Reservation) error {
	if err := j.seenKey(r); err != nil {
		return err
	}
	return j.do(ctx, &op{
		size: len(r.Key.Text) + 128, grows: true,
		apply: func(t *transaction) error { return j.reserve(t, r) },
	})
}

// Settle keeps the response of a key.
func (j *Journal) Settle(ctx context.Context, r journal.Reservation, response []byte) error {
	r.Key.Response = append([]byte{}, response...)
	return j.do(ctx, &op{size: len(response), apply: j.ifOwn(r, func(t *transaction) error { return j.reserve(t, r) })})
}

// Free forgets a key.
func (j *Journal) Free(ctx context.Context, r journal.Reservation) error {
	return j.do(ctx, &op{apply: j.ifOwn(r, func(t *transaction) error {
		t.dropKey(keyHash(r.Workflow, r.Key.Text))
		return nil
	})})
}

// ifOwn applies a change to a key that is r's, and nothing otherwise.
func (j *Journal) ifOwn(r journal.Reservation, change func(*transaction) error) func(*transaction) error {
	return func(t *transaction) error {
		if own, _ := j.taken(t.keys, r); !own {
			return nil
		}
		return change(t)
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
