package bbolt

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/flowtrux/edge/runtime/journal"
)

// checkRoom returns why the file cannot take so many more bytes; nil if it can.
func (j *Journal) checkRoom(more int64) error {
	l := j.limits.Load()
	if free := j.diskFree.Load(); free >= 0 && free < l.MinFree {
		return fmt.Errorf("%w: the disk has %d bytes left, %d are kept in reserve", journal.ErrFull, free, l.MinFree)
	}
	if used, most := j.used.Load(), quotaOf(l).work; used+more > most {
		return fmt.Errorf("%w: pending work and idempotency keys of all workflows take %d bytes, %d more would be over %d of max_bytes %d",
			journal.ErrFull, used, more, most, l.MaxBytes)
	}
	return nil
}

// makeRoomFor evicts records of ended executions, and then stored responses, so that neither is why
// an operation is rejected. full is why those that need room are rejected even so; nil if they are
// not. err is that of the file.
func (j *Journal) makeRoomFor(batch []*request) (full, err error) {
	var more int64
	needsRoom := false
	for _, r := range batch {
		bytes, needs := r.size()
		more += space(bytes)
		needsRoom = needsRoom || needs
	}
	if q := quotaOf(j.limits.Load()); j.used.Load()+more > q.work {
		// A little more than needed, so that not every commit needs another one before it.
		if err := j.evictTo(q.work - more - q.limits.MaxBytes/64); err != nil {
			return nil, err
		}
	}
	if !needsRoom {
		return nil, nil
	}
	return j.checkRoom(more), nil
}

// evictTo evicts records of ended executions, the oldest first, and then stored responses, until
// the file holds at most so many bytes or nothing is left to evict.
func (j *Journal) evictTo(most int64) error {
	for more := true; more && j.used.Load() > most; {
		err := j.update(func(t *transaction) error {
			excess := j.used.Load() - most
			if more = j.dropOldest(t, excess); !more {
				more = t.evictResponses(t.usage.responses - excess)
			}
			if !more && t.err == nil {
				return errNothing
			}
			return t.err
		})
		if err != nil && !errors.Is(err, errNothing) {
			return err
		}
	}
	return nil
}

// updateDiskFree asks the disk how much is free.
func (j *Journal) updateDiskFree() { j.diskFree.Store(diskFree(filepath.Dir(j.path))) }
