package bbolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/flowtrux/edge/runtime/journal"
)

// openFile opens the file and takes up what it holds. The first time it is made when there is none;
// later a file that is gone stays gone, with what it held.
func (j *Journal) openFile(first bool) (err error) {
	defer func() { err = j.named(err) }()
	if first {
		if err := ensureFile(j.path); err != nil {
			return err
		}
	}
	db, err := openDB(j.path, j.lockWait)
	if err != nil {
		return err
	}
	db.AllocSize = int(min(max(j.limits.Load().MaxBytes/64, leastGrowth), mostGrowth))
	if err := j.load(db, first); err != nil {
		return errors.Join(err, db.Close())
	}
	j.file.Lock()
	j.db, j.fault = db, nil
	j.file.Unlock()
	j.measure(db)
	j.look()
	return nil
}

// closeFile lets the file go; why is what callers are told.
func (j *Journal) closeFile(why error) error {
	j.file.Lock()
	defer j.file.Unlock()
	j.fault = why
	if j.db == nil {
		return nil
	}
	db := j.db
	j.db = nil
	if err := db.Close(); err != nil {
		return fmt.Errorf("closing journal %s: %w", j.path, err)
	}
	return nil
}

// named is an error of the file with its name. If it is damaged, or not a journal, that says what
// to do.
func (j *Journal) named(err error) error {
	switch {
	case err == nil || errors.Is(err, errNothing):
		return err
	case errors.Is(err, journal.ErrForeign):
		return fmt.Errorf("journal %s: %w; move the file away to begin a new one, and keep it: what was accepted is in there", j.path, err)
	default:
		return fmt.Errorf("journal %s: %w", j.path, err)
	}
}

// openDB opens a file that is there. Nothing is written to one that is not a journal.
func openDB(path string, lockWait time.Duration) (*opened, error) {
	if err := inspect(path, lockWait); err != nil {
		return nil, err
	}
	return openBolt(path, options(lockWait))
}

// The bounds of how much more the file grows than is needed, each time it does.
const (
	leastGrowth = 256 << 10
	mostGrowth  = 16 << 20
)

func options(lockWait time.Duration) *bolt.Options {
	return &bolt.Options{Timeout: lockWait, NoFreelistSync: true, FreelistType: bolt.FreelistMapType}
}

func openError(err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return journal.ErrInUse
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum):
		return fmt.Errorf("%w: %w", journal.ErrForeign, err)
	}
	return err
}

// ensureFile makes the file when there is none: beside its place, complete and synced, and then
// moved there, so that a loss of power leaves a whole file or none.
func ensureFile(path string) error {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making its directory: %w", err)
	}
	temp, err := os.CreateTemp(dir, filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	temp.Close()
	if err := initialize(temp.Name()); err != nil {
		return err
	}
	// A link, unlike a rename, never replaces what another process has put there meanwhile.
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		if err := os.Rename(temp.Name(), path); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

func initialize(path string) error {
	db, err := bolt.Open(path, 0o600, options(DefaultLockWait))
	if err != nil {
		return fmt.Errorf("making the file: %w", err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range slices.Concat(buckets, laterBuckets) {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keyFormat, format)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("making the file: %w", err)
	}
	return nil
}
