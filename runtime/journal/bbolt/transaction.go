package bbolt

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// bbolt reads its file as memory and trusts what is in it. What is damaged shows as a fault or a
// panic, on the goroutine that reads: both are errors here, and leave no lock behind that Close
// would wait for.

// whole tells whether a transaction may begin: bbolt panics with its locks held when both meta
// pages are damaged.
func (db *opened) whole() error {
	if _, ok := newestMeta(db.file); !ok {
		return fmt.Errorf("%w: its beginning was changed", journal.ErrForeign)
	}
	return nil
}

// view runs a reading transaction. What it reads has to be copied.
func (db *opened) view(do func(*bolt.Tx) error) (err error) {
	defer catchFaults()()
	if err := db.whole(); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = damagedBy(p)
		}
	}()
	return db.View(do) // which ends the transaction also in a panic
}

// transact runs a writing transaction and takes down how much the file holds then: free pages in it
// are used again.
//
// Other than bbolt's Update, it does not look for free pages by reading the whole file after a
// panic: a damaged page would end the process then.
func (j *Journal) transact(db *opened, a *accounts, do func(*transaction) error) (err error) {
	defer catchFaults()()
	if err := db.whole(); err != nil {
		return err
	}
	var tx *bolt.Tx
	defer func() {
		if p := recover(); p != nil {
			err = damagedBy(p)
			defer func() { _ = recover() }() // what it knows of free pages may not be in order
			_ = tx.Rollback()
		}
	}()
	if tx, err = db.Begin(true); err != nil {
		return err
	}
	if err := do(j.begin(tx, a)); err != nil {
		_ = tx.Rollback() // fails only when it has ended
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	j.measure(db)
	return nil
}

// measure takes down how much the file holds.
func (j *Journal) measure(db *opened) {
	var size int64
	if err := db.view(func(tx *bolt.Tx) error { size = tx.Size(); return nil }); err != nil {
		return // the next transaction tells
	}
	s := db.Stats()
	j.used.Store(size - int64(s.FreePageN+s.PendingPageN)*int64(db.Info().PageSize))
}
