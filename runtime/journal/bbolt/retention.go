package bbolt

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

const (
	maintainEvery = time.Second
	// evictFrom is the filled part of what new work may fill at which eviction begins, so that new
	// work finds room.
	evictFrom = 0.9
	// maxEvictions is the most records, or stored responses, that one commit deletes one by one.
	maxEvictions = 2000
)

// maintain saves counters, and deletes what is no longer needed: expired keys, partitions past
// their retention, and the oldest records while the file holds too much. It does a bounded part of
// that, and reports whether there is more to do.
func (j *Journal) maintain(reopen *reopener) (more bool) {
	j.updateDiskFree()
	if reopen.due != nil {
		return false
	}
	saved := func() {}
	err := j.update(func(t *transaction) error {
		var counts bool
		counts, saved = j.saveCounts(t)
		keys := t.dropExpiredKeys(j.now())
		q := quotaOf(j.limits.Load())
		parts := j.dropOldest(t, j.used.Load()-int64(evictFrom*float64(q.work)))
		responses := t.evictResponses(q.responses)
		more = counts || keys || parts || responses
		if t.err == nil && !more && !t.dirty {
			return errNothing
		}
		return t.err
	})
	if err == nil {
		saved()
	}
	reopen.note(j, err)
	return more && err == nil
}

// dropOldest drops the oldest partition if its retention is over and no entry in it is live, or
// evicts so many bytes of the oldest records. It reports whether it has deleted any.
func (j *Journal) dropOldest(t *transaction, excess int64) (deleted bool) {
	now := hourAt(j.now())
	due := hourAt(j.now().Add(-j.limits.Load().Retention))
	c := t.partBuckets.Cursor()
	for k, _ := c.First(); len(k) == 4; k, _ = c.Next() {
		hour := binary.BigEndian.Uint32(k)
		if hour >= due && excess <= 0 {
			return false
		}
		j.mu.Lock()
		inUse := j.hours[hour] > 0
		j.mu.Unlock()
		switch expired := hour < due; {
		case expired && !inUse, hour < now && !inUse && t.hasNoRecords(hour):
			t.dirty = true
			if t.err == nil {
				t.err = t.partBuckets.DeleteBucket(bytes.Clone(k))
			}
			return true
		case excess > 0 && t.evictRecords(hour, excess):
			t.dirty = true
			return true
		}
	}
	return false
}

func (t *transaction) hasNoRecords(hour uint32) bool {
	p := t.part(hour)
	if p == nil {
		return false
	}
	k, _ := p.records.short.open().Cursor().First()
	return k == nil
}

// evictRecords deletes so many bytes of the oldest records of a partition, with what they can be
// rerun from. If there are none, it deletes the documents that only records needed. It reports
// whether it has deleted any.
func (t *transaction) evictRecords(hour uint32, excess int64) (deleted bool) {
	p := t.part(hour)
	if p == nil {
		return false
	}
	var ids, documents [][]byte
	c := p.records.short.open().Cursor()
	for id, v := c.First(); id != nil && len(ids) < maxEvictions && excess > 0; id, v = c.Next() {
		ids = append(ids, bytes.Clone(id))
		excess -= int64(lengthOf(v) + lengthOf(p.sources.short.Get(id)))
	}
	for _, id := range ids {
		p.records.del(t, id)
		p.sources.del(t, id)
	}
	if len(ids) > 0 {
		return true
	}
	inUse := t.usage.documentsIn(hour)
	c = p.documents.short.open().Cursor()
	for digest, _ := c.First(); digest != nil; digest, _ = c.Next() {
		if !inUse[[sha256.Size]byte(digest)] {
			documents = append(documents, bytes.Clone(digest))
		}
	}
	for _, digest := range documents {
		p.documents.del(t, digest)
	}
	return len(documents) > 0
}
