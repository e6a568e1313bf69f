package bbolt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// Seal implements journal.Portable. The file must exist.
func (j *Journal) Seal(_ context.Context, s journal.Seal) (_ journal.Sealed, err error) {
	j.opening.Lock()
	defer j.opening.Unlock()
	if j.opened.Load() || j.closing() {
		return nil, errors.New("sealing a journal that was opened")
	}
	defer func() { err = j.withPath(err) }()
	if _, err := os.Lstat(j.path); err != nil {
		return nil, err
	}
	db, err := openDB(j.path, j.lockWait)
	if err != nil {
		return nil, err
	}
	out := &sealed{journal: j, db: db}
	if err := out.seal(s); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return out, nil
}

// sealed is the file of a sealed journal. The lock of the file keeps other processes away.
type sealed struct {
	journal *Journal // is not open: for its limits and its clock
	db      *database
	with    journal.Seal
}

// seal reads the seal of the file, or seals it.
func (s *sealed) seal(with journal.Seal) error {
	var has *journal.Seal
	if err := s.db.view(func(tx *bolt.Tx) (err error) {
		if has, err = readSeal(tx); err == nil {
			err = checkBuckets(tx)
		}
		return err
	}); err != nil {
		return err
	}
	switch {
	case has != nil:
		with = *has
	case with.Move == "":
		return journal.ErrNotSealed
	default:
		if err := s.journal.upgradeAndRecover(s.db); err != nil {
			return fmt.Errorf("recovering its content: %w", err)
		}
	}
	s.with = with
	// Damage of what has not ended is found before the first item is read.
	if err := s.db.view(func(tx *bolt.Tx) error {
		_, err := readUsage(tx)
		return err
	}); err != nil || has != nil {
		return err
	}
	text, err := json.Marshal(with)
	if err != nil {
		return fmt.Errorf("encoding a seal: %w", err)
	}
	return s.journal.transact(s.db, newUsage(), func(t *transaction) error {
		meta := &lookup{in: t.Tx, name: bucketMeta}
		t.put(meta, keyFormat, sealedFormat)
		t.put(meta, keySeal, text)
		return t.err
	})
}

// readSeal returns the seal of a journal; nil = it has none. The error is that of a file that is no
// journal.
func readSeal(tx *bolt.Tx) (*journal.Seal, error) {
	var f, text []byte
	if meta := tx.Bucket(bucketMeta); meta != nil {
		f, text = meta.Get(keyFormat), meta.Get(keySeal)
	}
	switch {
	case bytes.Equal(f, format), bytes.Equal(f, earlierFormat):
		return nil, nil
	case !bytes.Equal(f, sealedFormat):
		return nil, fmt.Errorf("%w: it has no format entry %q", journal.ErrForeign, format)
	}
	s := new(journal.Seal)
	if err := json.Unmarshal(text, s); err != nil || s.Move == "" {
		return nil, fmt.Errorf("%w: its seal", errDamaged)
	}
	return s, nil
}

func sealedError(s journal.Seal) error {
	return fmt.Errorf("%w at %s as %s", journal.ErrSealed, s.At.UTC().Format(time.RFC3339), s.Move)
}

// Seal implements journal.Sealed.
func (s *sealed) Seal() journal.Seal { return s.with }

// Unseal implements journal.Sealed.
func (s *sealed) Unseal(context.Context) error {
	return s.journal.withPath(s.journal.transact(s.db, newUsage(), func(t *transaction) error {
		meta := &lookup{in: t.Tx, name: bucketMeta}
		t.put(meta, keyFormat, format)
		t.del(meta, keySeal)
		return t.err
	}))
}

// Close implements journal.Sealed.
func (s *sealed) Close() error { return s.db.Close() }
