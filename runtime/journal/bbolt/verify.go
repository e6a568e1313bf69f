package bbolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// verify rejects a file that is not a whole journal, before bbolt uses it. bbolt takes an empty
// file for a new one, and trusts the content of others: a damaged page ends the process, by a
// memory fault or by a panic on a goroutine of its own.
//
// verify holds the lock that other processes write under, and reads the file by itself.
func verify(path string, lockWait time.Duration) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: it is not a regular file", journal.ErrForeign)
	}
	if _, err := metaOf(path); err != nil {
		return err
	}
	o := options(lockWait)
	o.ReadOnly = true
	opened, err := openBolt(path, o)
	if err != nil {
		return err
	}
	defer opened.Close()
	return verifyPages(path)
}

// database is a bbolt database with its file, which bbolt does not expose.
type database struct {
	*bolt.DB
	file *os.File
}

// openBolt opens a database. A panic of bbolt becomes an error, and leaves no lock behind.
func openBolt(path string, o *bolt.Options) (db *database, err error) {
	defer catchFaults()()
	db = new(database)
	o.OpenFile = func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
		db.file, err = os.OpenFile(name, flag, mode)
		return db.file, err
	}
	defer func() {
		if p := recover(); p != nil {
			err = damagedBy(p)
			if db.file != nil {
				err = errors.Join(err, db.file.Close())
			}
			db = nil
		}
	}()
	if db.DB, err = bolt.Open(path, 0o600, o); err != nil {
		return nil, openError(err)
	}
	return db, nil
}

// catchFaults turns memory faults on this goroutine, which otherwise end the process, into panics,
// until restore is called. A page that cannot be read, or lies beyond the end of a truncated file,
// causes such a fault.
func catchFaults() (restore func()) {
	old := debug.SetPanicOnFault(true)
	return func() { debug.SetPanicOnFault(old) }
}

// damagedBy returns the error of a panic that the file has caused.
func damagedBy(p any) error { return fmt.Errorf("%w: %v", journal.ErrForeign, p) }

// checkUsable checks that a database is a journal that is not sealed.
func checkUsable(tx *bolt.Tx) error {
	s, err := readSeal(tx)
	switch {
	case err != nil:
		return err
	case s != nil:
		return sealedError(*s)
	}
	return checkBuckets(tx)
}

// checkBuckets checks that a database has the buckets of a journal, and none in place of a value.
func checkBuckets(tx *bolt.Tx) error {
	for _, name := range buckets {
		if tx.Bucket(name) == nil {
			return fmt.Errorf("%w: it has no bucket %s", journal.ErrForeign, name)
		}
	}
	return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
		if !bytes.Equal(name, bucketParts) {
			return checkValues(b)
		}
		return b.ForEach(func(hour, v []byte) error {
			part := b.Bucket(hour)
			if len(hour) != 4 || v != nil || part == nil {
				return fmt.Errorf("%w: %x is no partition", journal.ErrForeign, hour)
			}
			for _, name := range [][]byte{bucketSource, bucketDocument, bucketRecord} {
				if part.Bucket(name) == nil {
					return fmt.Errorf("%w: partition %x has no bucket %s", journal.ErrForeign, hour, name)
				}
			}
			return part.ForEachBucket(func(name []byte) error { return checkValues(part.Bucket(name)) })
		})
	})
}

// checkValues checks that there is no bucket in a bucket of values.
func checkValues(b *bolt.Bucket) error {
	return b.ForEachBucket(func(name []byte) error {
		return fmt.Errorf("%w: there is a bucket %x where none should be", journal.ErrForeign, name)
	})
}
