package bbolt

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/flowtrux/edge/runtime/journal"
)

// room says why no more bytes are taken; nil when there is room. Operations that end something are
// taken always: they need little and make room.
func (j *Journal) room(more int64) error {
	l := j.limits.Load()
	if free := j.free.Load(); free >= 0 && free < l.MinFree {
		return fmt.Errorf("%w: the disk has %d bytes left, %d are kept in reserve", journal.ErrFull, free, l.MinFree)
	}
	if used, most := j.used.Load(), quotaOf(l).work; used+more > most {
		return fmt.Errorf("%w: pending work and idempotency keys of all workflows take %d bytes, %d more would be over %d of max_bytes %d",
			journal.ErrFull, used, more, most, l.MaxBytes)
	}
	return nil
}

// roomFor is room, after ended records and then kept responses have made way for what is to be
// added: they are never why something is refused. err is the file's.
func (j *Journal) roomFor(ops []*op) (full, err error) {
	var more int64
	grows := false
	for _, o := range ops {
		more += space(o.size)
		grows = grows || o.grows
	}
	if q := quotaOf(j.limits.Load()); j.used.Load()+more > q.work {
		// A little more than it takes, so that not every commit needs another one before it.
		if err := j.makeRoom(q.work - more - q.limits.MaxBytes/64); err != nil {
			return nil, err
		}
	}
	if !grows {
		return nil, nil
	}
	return j.room(more), nil
}

// makeRoom drops ended records, the oldest first, and then kept responses, until the file holds so
// many bytes at most or there are none.
func (j *Journal) makeRoom(most int64) error {
	for more := true; more && j.used.Load() > most; {
		err := j.update(func(t *transaction) error {
			excess := j.used.Load() - most
			if more = j.retire(t, excess); !more {
				more = t.trimKept(t.accounts.responses - excess)
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

// look asks the disk.
func (j *Journal) look() { j.free.Store(diskFree(filepath.Dir(j.path))) }
