package bbolt

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// inFile reports whether the file has the record of an ended execution.
func inFile(t *testing.T, j *Journal, id string) (there bool) {
	t.Helper()
	if err := j.view(func(tx *bolt.Tx) error {
		hour, err := hourOf(id)
		if p := readPart(tx, hour); p != nil {
			there = p.records.short.Get([]byte(id)) != nil
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return there
}

// TestRetention: an expired record is not shown any more, and its space is freed when no entry of
// its hour is live.
func TestRetention(t *testing.T) {
	l := roomy
	l.Retention = 3 * time.Hour
	j := open(t, path(t), l)
	now := time.Now()
	old, young := entryAt(now.Add(-5*time.Hour), 1, 10), entryAt(now.Add(-3*time.Hour+time.Minute), 2, 10)
	over, waits := entryAt(now.Add(-3*time.Hour-time.Second), 4, 10), entryAt(now.Add(-9*time.Hour), 3, 10)
	if err := j.Accept(t.Context(), waits); err != nil {
		t.Fatal(err)
	}
	for _, e := range []*journal.Entry{old, young, over} {
		put(t, j, e)
	}
	for _, e := range []*journal.Entry{old, over} {
		if _, err := j.Get(t.Context(), e.ID); !errors.Is(err, journal.ErrUnknown) {
			t.Errorf("what is over: %v", err)
		}
		if _, err := j.Source(t.Context(), e.ID); !errors.Is(err, journal.ErrUnknown) {
			t.Errorf("replaying what is over: %v", err)
		}
		if err := j.Cancel(t.Context(), e.ID); !errors.Is(err, journal.ErrUnknown) {
			t.Errorf("cancelling what is over: %v", err)
		}
	}
	if !inFile(t, j, over.ID) {
		t.Error("it went with those of its hour that are not over")
	}
	page, err := j.List(t.Context(), journal.Query{})
	if err != nil || len(page.Rows) != 2 || page.Rows[0].ID != young.ID || page.Rows[1].ID != waits.ID {
		t.Errorf("listed %+v, %v; want the young one and what waits", page.Rows, err)
	}
	if _, err := j.Get(t.Context(), young.ID); err != nil {
		t.Errorf("the young one: %v", err)
	}
	eventually(t, "the old record goes", func() bool { return !inFile(t, j, old.ID) })
	lease, err := j.Claim(t.Context())
	if err != nil || lease.Entry().ID != waits.ID {
		t.Fatalf("what waits: %v, %v", lease, err)
	}
	if err := lease.Finish(t.Context(), new(journal.Record)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it goes when it has ended", func() bool { return !inFile(t, j, waits.ID) })
}

// TestMaxBytes: records are evicted to make room, the oldest first, also within an hour. Entries
// that have not ended are not.
func TestMaxBytes(t *testing.T) {
	const size = 64 << 10
	l := roomy
	l.MaxBytes = 100 * size
	j := open(t, path(t), l)
	base := time.Now().Add(-time.Hour)
	first, last := entryAt(base, 1, size), entryAt(time.Now(), 1000, size)
	put(t, j, first)
	for n := 2; n < 60; n++ {
		put(t, j, entryAt(base.Add(time.Duration(n)*time.Second), n, size))
	}
	put(t, j, last)
	for n := range 60 {
		if err := j.Accept(t.Context(), entry(2000+n, size)); err != nil {
			t.Fatalf("accepting while records can go: %v", err)
		}
	}
	eventually(t, "the oldest goes", gone(t, j, first.ID))
	var err error
	for n := 0; err == nil && n < 200; n++ {
		err = j.Accept(t.Context(), entry(3000+n, size))
	}
	if !errors.Is(err, journal.ErrFull) {
		t.Fatalf("accepting without end: %v, want %v", err, journal.ErrFull)
	}
	lease, err := j.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Finish(t.Context(), new(journal.Record)); err != nil {
		t.Errorf("finishing when it is full: %v", err)
	}
}

// TestNeededDocumentsStay: documents that only records need are evicted with them, those of pending
// entries are not.
func TestNeededDocumentsStay(t *testing.T) {
	const size, many = 64 << 10, 60
	l := roomy
	l.MaxBytes = 100 * size
	j := open(t, path(t), l)
	at := time.Now().Add(-time.Hour)
	with := func(n int) *journal.Entry {
		e := entryAt(at, n, 10)
		e.Document = bytes.Repeat([]byte{byte(n)}, size)
		return e
	}
	waits := with(many / 2)
	if err := j.Accept(t.Context(), waits); err != nil {
		t.Fatal(err)
	}
	for n := range many {
		e := with(n)
		e.ID, e.Workflow = entryAt(at, 1000+n, 0).ID, "other"
		put(t, j, e)
	}
	for n := range 50 { // there is no room for them beside those documents
		if err := j.Accept(t.Context(), entry(2000+n, size)); err != nil {
			t.Fatalf("accepting while documents can go: %v", err)
		}
	}
	lease, err := j.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e := lease.Entry(); e.ID != waits.ID || !bytes.Equal(e.Document, waits.Document) {
		t.Errorf("claimed %s with a document of %d bytes", e.ID, len(e.Document))
	}
}

// TestLiveKeysStay: records are evicted to make room for keys, and keys are never evicted. Further
// keys of a workflow that is at its share are rejected, and finally those of all workflows.
func TestLiveKeysStay(t *testing.T) {
	l := roomy
	l.MaxBytes = 384 << 10
	j := open(t, path(t), l)
	base := time.Now().Add(-time.Hour)
	for n := range 10 {
		put(t, j, entryAt(base.Add(time.Duration(n)*time.Second), n, 16<<10))
	}
	key := func(workflow string, n int) journal.Reservation {
		return journal.Reservation{
			ID: entryAt(base, 1000+n, 0).ID, Workflow: workflow,
			Key: journal.Key{Text: strconv.Itoa(n), Until: time.Now().Add(time.Hour)},
		}
	}
	fill := func(workflow string) (n int) {
		t.Helper()
		for ; ; n++ {
			err := j.Reserve(t.Context(), key(workflow, n))
			if errors.Is(err, journal.ErrFull) {
				return n
			}
			if err == nil {
				err = j.Settle(t.Context(), key(workflow, n), []byte("answer"))
			}
			if err != nil || n > 5000 {
				t.Fatalf("%d keys: %v", n, err)
			}
		}
	}
	first := fill("order")
	if second := fill("other"); second < first/4 {
		t.Errorf("one workflow has %d keys and leaves room for %d of another", first, second)
	}
	for n := 0; ; n++ { // the rest, each of another workflow
		if err := j.Reserve(t.Context(), key("w"+strconv.Itoa(n), 0)); errors.Is(err, journal.ErrFull) {
			break
		} else if err != nil || n > 5000 {
			t.Fatalf("%d workflows: %v", n, err)
		}
	}
	if page, err := j.List(t.Context(), journal.Query{}); err != nil || len(page.Rows) > 0 {
		t.Errorf("keys are refused while there are %d records, %v", len(page.Rows), err)
	}
	for n := 0; n < first; n += 20 {
		other := key("order", n)
		other.ID = entryAt(base, 5000, 0).ID
		var d *journal.DuplicateError
		if err := j.Reserve(t.Context(), other); !errors.As(err, &d) || d.Response == nil {
			t.Fatalf("key %d of %d: %v", n, first, err)
		}
	}
	for n := range 200 { // pages of the file, which are not full
		if err := j.Free(t.Context(), key("order", n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Reserve(t.Context(), key("order", first)); err != nil {
		t.Errorf("when keys have gone: %v", err)
	}
}

// TestDiskReserve: new entries are rejected while the disk is nearly full, and accepted when there
// is room again.
func TestDiskReserve(t *testing.T) {
	l := roomy
	j := open(t, path(t), l)
	if err := j.Accept(t.Context(), entry(1, 10)); err != nil {
		t.Fatal(err)
	}
	l.MinFree = math.MaxInt64
	j.Configure(l)
	if err := j.Accept(t.Context(), entry(2, 10)); !errors.Is(err, journal.ErrFull) {
		t.Errorf("accepting: %v, want %v", err, journal.ErrFull)
	}
	lease, err := j.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Checkpoint(t.Context(), journal.Step{Node: "a", Output: []byte("1")}); err != nil {
		t.Errorf("checkpointing: %v", err)
	}
	if err := lease.Finish(t.Context(), new(journal.Record)); err != nil {
		t.Errorf("finishing: %v", err)
	}
	l.MinFree = 1
	j.Configure(l)
	if err := j.Accept(t.Context(), entry(2, 10)); err != nil {
		t.Errorf("accepting with room: %v", err)
	}
}

// keysOf counts the stored keys.
func keysOf(t *testing.T, j *Journal) (n int) {
	t.Helper()
	if err := j.view(func(tx *bolt.Tx) error {
		for _, b := range [][]byte{bucketKeys, bucketExpiry, bucketUnsettled} {
			n += tx.Bucket(b).Stats().KeyN
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestExpiredKeysAreForgotten: expired keys do not fill the file.
func TestExpiredKeysAreForgotten(t *testing.T) {
	j := open(t, path(t), roomy)
	r := journal.Reservation{ID: entry(1, 0).ID, Workflow: "order", Key: journal.Key{Text: "k", Until: time.Now().Add(-time.Second)}}
	if err := j.Reserve(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key goes", func() bool { return keysOf(t, j) == 0 })
}
