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
	"github.com/flowtrux/edge/runtime/journal/internal/syncdir"
)

// openFile opens the file and loads what it holds. At the start it creates the file if there is
// none. A file that disappears later stays gone, with everything in it.
func (j *Journal) openFile(mode openMode) (err error) {
	defer func() { err = j.withPath(err) }()
	if mode == atStart {
		if err := ensureFile(j.path); err != nil {
			return err
		}
	}
	db, err := openDB(j.path, j.lockWait)
	if err != nil {
		return err
	}
	db.AllocSize = int(min(max(j.limits.Load().MaxBytes/64, minGrowth), maxGrowth))
	if err := j.load(db, mode); err != nil {
		return errors.Join(err, db.Close())
	}
	j.file.Lock()
	j.db, j.fault = db, nil
	j.file.Unlock()
	j.updateUsed(db)
	j.updateDiskFree()
	return nil
}

// closeFile closes the file. Callers get why as the reason.
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

// withPath adds the path to an error of the file. If the file is damaged, or not a journal, the
// error says what to do.
func (j *Journal) withPath(err error) error {
	switch {
	case err == nil || errors.Is(err, errNothing):
		return err
	case errors.Is(err, journal.ErrSealed):
		return fmt.Errorf("journal %s: %w; its executions run where that export is imported. To start with an empty journal, "+
			"move the file away. To use this one again, take the export back", j.path, err)
	case errors.Is(err, journal.ErrForeign):
		return fmt.Errorf("journal %s: %w; to start with an empty journal, move the file away, and keep it: it holds accepted executions", j.path, err)
	default:
		return fmt.Errorf("journal %s: %w", j.path, err)
	}
}

// openDB opens an existing file. It writes nothing to one that is not a journal.
func openDB(path string, lockWait time.Duration) (*database, error) {
	if err := verify(path, lockWait); err != nil {
		return nil, err
	}
	return openBolt(path, options(lockWait))
}

// Bounds of how many bytes the file grows at a time.
const (
	minGrowth = 256 << 10
	maxGrowth = 16 << 20
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

// ensureFile creates the file if there is none. It is created in a temporary place, complete and
// synced, and then moved: a loss of power leaves a whole file or none.
func ensureFile(path string) error {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("creating its directory: %w", err)
	}
	temp, err := os.CreateTemp(dir, filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	temp.Close()
	if err := createFile(temp.Name()); err != nil {
		return err
	}
	// Unlike a rename, a link never replaces a file that another process has created meanwhile.
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		if err := os.Rename(temp.Name(), path); err != nil {
			return err
		}
	}
	return syncdir.Sync(dir)
}

func createFile(path string) error {
	db, err := bolt.Open(path, 0o600, options(DefaultLockWait))
	if err != nil {
		return fmt.Errorf("creating the file: %w", err)
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
		return fmt.Errorf("creating the file: %w", err)
	}
	return nil
}
