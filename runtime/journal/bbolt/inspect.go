package bbolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// inspect refuses what is not a whole journal, before it is opened for writing. bbolt takes an empty file for a new one, ends
// the process when a file is shorter than it says, and panics on a goroutine of its own when a page is damaged.
func inspect(path string, lockWait time.Duration) (err error) {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: it is not a file", journal.ErrForeign)
	}
	if err := checkSize(path, info.Size()); err != nil {
		return err
	}
	o := options(lockWait)
	o.ReadOnly = true
	db, err := bolt.Open(path, 0o600, o)
	if err != nil {
		return openError(err)
	}
	defer db.Close()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", journal.ErrForeign, p)
		}
	}()
	return db.View(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta == nil || !bytes.Equal(meta.Get(keyFormat), format) {
			return fmt.Errorf("%w: it says nothing of format %q", journal.ErrForeign, format)
		}
		for _, name := range buckets {
			if tx.Bucket(name) == nil {
				return fmt.Errorf("%w: it has no bucket %s", journal.ErrForeign, name)
			}
		}
		return tx.ForEach(func(_ []byte, b *bolt.Bucket) error { return walk(b) })
	})
}

// walk visits all pages of a bucket but those in which a long value goes on.
func walk(b *bolt.Bucket) error {
	return b.ForEach(func(k, v []byte) error {
		if v != nil {
			return nil
		}
		inner := b.Bucket(k)
		if inner == nil {
			return fmt.Errorf("%w: a bucket is damaged", journal.ErrForeign)
		}
		return walk(inner)
	})
}

// The parts of bbolt's meta pages that are read here; its types are not to be had.
const (
	pageHeader = 16
	metaSize   = 64
	metaMagic  = 0xED0CDAED
)

// checkSize sees that a file is as long as the newer of its two meta pages says.
func checkSize(path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var newest, pages, pageSize uint64
	found := false
	for _, at := range metaOffsets() {
		m := make([]byte, metaSize)
		if _, err := f.ReadAt(m, at+pageHeader); err != nil {
			continue
		}
		word := binary.NativeEndian
		sum := fnv.New64a()
		sum.Write(m[:metaSize-8])
		if word.Uint32(m) != metaMagic || word.Uint64(m[56:]) != sum.Sum64() {
			continue
		}
		if tx := word.Uint64(m[48:]); !found || tx >= newest {
			found, newest, pages, pageSize = true, tx, word.Uint64(m[40:]), uint64(word.Uint32(m[8:]))
		}
	}
	switch {
	case !found:
		return fmt.Errorf("%w: it does not begin like one", journal.ErrForeign)
	case uint64(size) < pages*pageSize:
		return fmt.Errorf("%w: it has %d bytes and should have at least %d", journal.ErrForeign, size, pages*pageSize)
	}
	return nil
}

// metaOffsets are where meta pages may be: the second one is a page behind the first, whatever the size of pages was on
// the machine that made the file.
func metaOffsets() []int64 {
	offsets := []int64{0}
	for size := int64(1 << 10); size <= 1<<16; size <<= 1 {
		offsets = append(offsets, size)
	}
	return offsets
}
