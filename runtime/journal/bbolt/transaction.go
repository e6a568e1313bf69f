package bbolt

import (
	"bytes"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// transaction is a writing transaction whose buckets are opened once. After a write that failed,
// err is set, further writes do nothing, and nothing is committed.
type transaction struct {
	*bolt.Tx
	usage   *usage
	nextSeq func() int64
	err     error

	live, runs, keys, expiry, unsettled, responsesBy, counts *lookup
	partBuckets                                              *bolt.Bucket

	steps, responses values
	parts            map[uint32]*part // those that were looked up, by hour
	added            int              // entries
	dirty            bool             // maintenance has changed something
}

// fillGrowing is how full pages become in buckets whose keys grow: they need no room for keys in
// between.
const fillGrowing = 0.9

// lookup is a bucket that is opened when it is first used: most transactions use half of them, and
// in a small commit, opening all of them took a seventh of the time. It has one cursor for all
// lookups: bbolt's own Get makes one each time, and a finished execution takes ten. It belongs to
// one transaction.
type lookup struct {
	in interface {
		Bucket(name []byte) *bolt.Bucket
	}
	name   []byte
	fill   float64 // how full its pages become; 0 = as bbolt does it
	bucket *bolt.Bucket
	cursor *bolt.Cursor
}

// open returns the bucket; nil if there is none.
func (l *lookup) open() *bolt.Bucket {
	if l.bucket == nil {
		l.bucket = l.in.Bucket(l.name)
		if l.bucket != nil && l.fill > 0 {
			l.bucket.FillPercent = l.fill
		}
	}
	return l.bucket
}

// Get returns the value of a key, or nil.
func (l *lookup) Get(key []byte) []byte {
	if l.cursor == nil {
		l.cursor = l.open().Cursor()
	}
	if k, v := l.cursor.Seek(key); bytes.Equal(k, key) {
		return v
	}
	return nil
}

func (j *Journal) begin(tx *bolt.Tx, u *usage) *transaction {
	all := &struct{ live, runs, keys, expiry, unsettled, responsesBy, counts, steps, responses, long lookup }{
		live:        lookup{in: tx, name: bucketLive, fill: fillGrowing},
		runs:        lookup{in: tx, name: bucketRuns},
		keys:        lookup{in: tx, name: bucketKeys},
		expiry:      lookup{in: tx, name: bucketExpiry, fill: fillGrowing},
		unsettled:   lookup{in: tx, name: bucketUnsettled},
		responsesBy: lookup{in: tx, name: bucketResponsesBy},
		counts:      lookup{in: tx, name: bucketCounts},
		steps:       lookup{in: tx, name: bucketSteps},
		responses:   lookup{in: tx, name: bucketResponses, fill: fillGrowing},
		long:        lookup{in: tx, name: bucketLong, fill: fillGrowing},
	}
	return &transaction{
		Tx: tx, usage: u, nextSeq: j.nextSeq, parts: make(map[uint32]*part), partBuckets: tx.Bucket(bucketParts),
		live: &all.live, runs: &all.runs, keys: &all.keys, expiry: &all.expiry, unsettled: &all.unsettled,
		responsesBy: &all.responsesBy, counts: &all.counts,
		steps: values{&all.steps, &all.long}, responses: values{&all.responses, &all.long},
	}
}

// fail, put and del leave the first error in t.err. Their callers need not check for nil buckets:
// part returns nil only with an error.
func (t *transaction) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

func (t *transaction) put(b *lookup, key, value []byte) {
	if t.err == nil {
		t.err = b.open().Put(key, value)
	}
}

func (t *transaction) del(b *lookup, key []byte) {
	if t.err == nil {
		t.err = b.open().Delete(key)
	}
}

// bbolt maps its file into memory and trusts the content. Damage shows as a memory fault or a panic
// on the goroutine that reads. Here both become errors, and leave no lock behind that Close would
// wait for.

// checkMeta reports whether a transaction may begin: bbolt panics with its locks held if both meta
// pages are damaged.
func (db *database) checkMeta() error {
	if _, ok := newestMeta(db.file); !ok {
		return fmt.Errorf("%w: its beginning was changed", journal.ErrForeign)
	}
	return nil
}

// view runs a reading transaction. Bytes that are read must be copied to be used after it.
func (db *database) view(do func(*bolt.Tx) error) (err error) {
	defer catchFaults()()
	if err := db.checkMeta(); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = damagedBy(p)
		}
	}()
	return db.View(do) // which ends the transaction also in a panic
}

// transact runs a writing transaction and updates how much the file holds. Free pages in it do not
// count: they are used again.
//
// Unlike bbolt's Update, it does not search the whole file for free pages after a panic: a damaged
// page would then end the process.
func (j *Journal) transact(db *database, u *usage, do func(*transaction) error) (err error) {
	defer catchFaults()()
	if err := db.checkMeta(); err != nil {
		return err
	}
	var tx *bolt.Tx
	defer func() {
		if p := recover(); p != nil {
			err = damagedBy(p)
			defer func() { _ = recover() }() // its list of free pages may be inconsistent
			_ = tx.Rollback()
		}
	}()
	if tx, err = db.Begin(true); err != nil {
		return err
	}
	if err := do(j.begin(tx, u)); err != nil {
		_ = tx.Rollback() // fails only if it has ended
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	j.updateUsed(db)
	return nil
}

// updateUsed updates how much the file holds.
func (j *Journal) updateUsed(db *database) {
	var size int64
	if err := db.view(func(tx *bolt.Tx) error { size = tx.Size(); return nil }); err != nil {
		return // the next transaction reports it
	}
	s := db.Stats()
	j.used.Store(size - int64(s.FreePageN+s.PendingPageN)*int64(db.Info().PageSize))
}
