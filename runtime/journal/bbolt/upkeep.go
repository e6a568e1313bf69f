package bbolt

import (
	"bytes"
	"encoding/binary"
	"time"
)

const (
	upkeepEvery = time.Second
	// evictAt is the part of MaxBytes at which ended records begin to go: a commit, and what grows while one goes, must
	// fit in the rest.
	evictAt = 0.9
	// evictMost bounds how many records one commit deletes one by one.
	evictMost = 2000
)

// upkeep drops what is over: keys that have expired, partitions past their retention, and the oldest records while the file
// holds too much. It does a bounded part of it and tells whether there is more.
func (j *Journal) upkeep(f *failure) (more bool) {
	j.look()
	if f.retry != nil {
		return false
	}
	err := j.update(func(t *transaction) error {
		keys := t.sweep(j.now())
		parts := j.retire(t)
		more = keys || parts
		if t.err == nil && !keys && !parts && !t.dirty {
			return errNothing
		}
		return t.err
	})
	f.note(j, err)
	return more && err == nil
}

// retire drops the oldest partition if its time or its room is over, as far as nothing in it is needed.
func (j *Journal) retire(t *transaction) (more bool) {
	l := j.limits.Load()
	due := hourAt(j.now().Add(-l.Retention))
	full := float64(j.used.Load()) > evictAt*float64(l.MaxBytes)
	c := t.partition.Cursor()
	for k, _ := c.First(); len(k) == 4; k, _ = c.Next() {
		hour := binary.BigEndian.Uint32(k)
		old := hour < due
		if !old && !full {
			return false
		}
		j.mu.Lock()
		needed := j.hours[hour] > 0
		j.mu.Unlock()
		switch {
		case !needed && (old || hour < hourAt(j.now())):
			t.dirty = true
			if t.err == nil {
				t.err = t.partition.DeleteBucket(bytes.Clone(k))
			}
			return true
		case full && t.evict(hour):
			t.dirty = true
			return true
		}
	}
	return false
}

// evict deletes the oldest records of a partition, with what they were run from, and tells whether there were any.
func (t *transaction) evict(hour uint32) bool {
	p := t.part(hour)
	if p == nil {
		return false
	}
	var ids [][]byte
	c := p.rec.Cursor()
	for k, _ := c.First(); k != nil && len(ids) < evictMost; k, _ = c.Next() {
		ids = append(ids, bytes.Clone(k))
	}
	for _, id := range ids {
		t.del(p.rec, id)
		t.del(p.src, id)
	}
	return len(ids) > 0
}
