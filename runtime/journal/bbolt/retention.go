package bbolt

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

const (
	upkeepEvery = time.Second
	// evictAt is the part of what may be filled at which ended records begin to go, so that who
	// comes finds room.
	evictAt = 0.9
	// evictMost bounds how many records, or kept responses, one commit deletes one by one.
	evictMost = 2000
)

// upkeep drops what is over: keys that have expired, partitions past their retention, and the
// oldest records while the file holds too much. It does a bounded part of it and tells whether
// there is more.
func (j *Journal) upkeep(f *failure) (more bool) {
	j.look()
	if f.retry != nil {
		return false
	}
	err := j.update(func(t *transaction) error {
		keys := t.sweep(j.now())
		q := quotaOf(j.limits.Load())
		parts := j.retire(t, j.used.Load()-int64(evictAt*float64(q.work)))
		kept := t.trimKept(q.kept)
		more = keys || parts || kept
		if t.err == nil && !keys && !parts && !kept && !t.dirty {
			return errNothing
		}
		return t.err
	})
	f.note(j, err)
	return more && err == nil
}

// retire drops the oldest partition if its time is over and nothing in it is needed, or so many
// bytes of the oldest records. It tells whether it has dropped any.
func (j *Journal) retire(t *transaction, excess int64) (more bool) {
	now := hourAt(j.now())
	due := hourAt(j.now().Add(-j.limits.Load().Retention))
	c := t.partition.Cursor()
	for k, _ := c.First(); len(k) == 4; k, _ = c.Next() {
		hour := binary.BigEndian.Uint32(k)
		if hour >= due && excess <= 0 {
			return false
		}
		j.mu.Lock()
		needed := j.hours[hour] > 0
		j.mu.Unlock()
		switch old := hour < due; {
		case old && !needed, hour < now && !needed && t.isEmpty(hour):
			t.dirty = true
			if t.err == nil {
				t.err = t.partition.DeleteBucket(bytes.Clone(k))
			}
			return true
		case excess > 0 && t.evict(hour, excess):
			t.dirty = true
			return true
		}
	}
	return false
}

// isEmpty tells whether a partition has no records.
func (t *transaction) isEmpty(hour uint32) bool {
	p := t.part(hour)
	if p == nil {
		return false
	}
	k, _ := p.rec.short.Cursor().First()
	return k == nil
}

// evict deletes so many bytes of the oldest records of a partition, with what they were run from,
// or when there are none the documents that only records needed. It tells whether there were any.
func (t *transaction) evict(hour uint32, excess int64) bool {
	p := t.part(hour)
	if p == nil {
		return false
	}
	var ids, documents [][]byte
	c := p.rec.short.Cursor()
	for id, v := c.First(); id != nil && len(ids) < evictMost && excess > 0; id, v = c.Next() {
		ids = append(ids, bytes.Clone(id))
		excess -= int64(lengthOf(v) + lengthOf(p.src.short.Get(id)))
	}
	for _, id := range ids {
		p.rec.del(t, id)
		p.src.del(t, id)
	}
	if len(ids) > 0 {
		return true
	}
	needed := t.accounts.needed(hour)
	c = p.doc.short.Cursor()
	for digest, _ := c.First(); digest != nil; digest, _ = c.Next() {
		if !needed[[sha256.Size]byte(digest)] {
			documents = append(documents, bytes.Clone(digest))
		}
	}
	for _, digest := range documents {
		p.doc.del(t, digest)
	}
	return len(documents) > 0
}
