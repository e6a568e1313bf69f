package embedded

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// trimFrom is the size of an unused end from which the database is trimmed, in bytes.
const trimFrom = 1 << 20

// trim cuts off the end of the database that was never used. The database grows by 16 MiB at a
// time, and etcd reads the whole file into memory when it starts: a store of a few kilobytes would
// hold 16 MiB of zeros. Nobody may have the database open. Whatever is wrong with it is for etcd to
// report.
func trim(dir string) error {
	path := filepath.Join(dir, "member", "snap", "db")
	file, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && file.Size() < trimFrom {
		return nil
	}
	if err != nil {
		return err
	}
	used, err := usedSize(path)
	if err != nil || file.Size()-used < trimFrom {
		return err
	}
	return os.Truncate(path, used)
}

// usedSize returns the end of the last page that a database has ever used, in bytes.
func usedSize(path string) (used int64, err error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return 0, err
	}
	err = db.View(func(tx *bolt.Tx) error {
		used = tx.Size()
		return nil
	})
	return used, errors.Join(err, db.Close())
}
