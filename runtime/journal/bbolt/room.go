package bbolt

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// room says why nothing new is taken; nil when there is room. Operations that end something are taken always: they need
// little and make room.
func (j *Journal) room() error {
	l := j.limits.Load()
	if free := j.free.Load(); free >= 0 && free < l.MinFree {
		return fmt.Errorf("%w: the disk has %d bytes left, %d are kept in reserve", journal.ErrFull, free, l.MinFree)
	}
	if used := j.used.Load(); used >= l.MaxBytes {
		return fmt.Errorf("%w: it has %d bytes and may have %d", journal.ErrFull, used, l.MaxBytes)
	}
	return nil
}

// roomFor is room, after ended records have made way for what is to be added: they are never why something is refused. err
// is the file's.
func (j *Journal) roomFor(ops []*op) (full, err error) {
	if !slices.ContainsFunc(ops, func(o *op) bool { return o.grows }) {
		return nil, nil
	}
	for more := true; more && j.used.Load() >= j.limits.Load().MaxBytes; {
		err := j.update(func(t *transaction) error {
			if more = j.retire(t); !more && t.err == nil {
				return errNothing
			}
			return t.err
		})
		if err != nil && !errors.Is(err, errNothing) {
			return nil, err
		}
	}
	return j.room(), nil
}

// measure takes down how much the file holds: free pages in it are used again.
func (j *Journal) measure(db *bolt.DB) {
	var size int64
	if err := db.View(func(tx *bolt.Tx) error { size = tx.Size(); return nil }); err != nil {
		return // it was closed by its own fault, which the write has told
	}
	s := db.Stats()
	j.used.Store(size - int64(s.FreePageN+s.PendingPageN)*int64(db.Info().PageSize))
}

// look asks the disk.
func (j *Journal) look() { j.free.Store(diskFree(filepath.Dir(j.path))) }
