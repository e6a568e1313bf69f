package bbolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// entryAt makes an entry of a time with so many bytes of data.
func entryAt(at time.Time, n, size int) *journal.Entry {
	var id ulid.ULID
	if err := id.SetTime(ulid.Timestamp(at)); err != nil {
		panic(err)
	}
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return &journal.Entry{
		ID: "exec-" + strings.ToLower(id.String()), Workflow: "order", Document: []byte(`{"nodes":[]}`), AcceptedAt: at,
		Data: bytes.Repeat([]byte{'x'}, size),
	}
}

func entry(n, size int) *journal.Entry { return entryAt(time.Now(), n, size) }

func put(t *testing.T, j *Journal, e *journal.Entry) {
	t.Helper()
	r := new(journal.Record)
	r.ID, r.Workflow, r.Status = e.ID, e.Workflow, journal.Succeeded
	if err := j.Put(t.Context(), journal.Ended{Record: r, Source: e}); err != nil {
		t.Fatal(err)
	}
}

// eventually asks again until it is so; the journal keeps order apart from its callers.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

func gone(t *testing.T, j *Journal, id string) func() bool {
	return func() bool {
		_, err := j.Get(t.Context(), id)
		return errors.Is(err, journal.ErrUnknown)
	}
}

func TestRetention(t *testing.T) {
	l := roomy
	l.Retention = 3 * time.Hour
	j := open(t, path(t), l)
	now := time.Now()
	old, young, waits := entryAt(now.Add(-5*time.Hour), 1, 10), entryAt(now.Add(-time.Hour), 2, 10), entryAt(now.Add(-9*time.Hour), 3, 10)
	if err := j.Accept(t.Context(), waits); err != nil {
		t.Fatal(err)
	}
	put(t, j, old)
	put(t, j, young)
	eventually(t, "the old record goes", gone(t, j, old.ID))
	if _, err := j.Get(t.Context(), young.ID); err != nil {
		t.Errorf("the young one: %v", err)
	}
	lease, err := j.Claim(t.Context())
	if err != nil || lease.Entry().ID != waits.ID {
		t.Fatalf("what waits: %v, %v", lease, err)
	}
	if err := lease.Finish(t.Context(), new(journal.Record)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it goes when it has ended", gone(t, j, waits.ID))
}

// TestMaxBytes: ended records make room, the oldest first, also within the hour; what has not ended does not.
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

// TestLiveKeysStay: records make room for keys, and keys for nothing; when there are only keys, no more are taken.
func TestLiveKeysStay(t *testing.T) {
	const size = 64 << 10
	l := roomy
	l.MaxBytes = 60 * size
	j := open(t, path(t), l)
	base := time.Now().Add(-time.Hour)
	for n := range 30 {
		put(t, j, entryAt(base.Add(time.Duration(n)*time.Second), n, size))
	}
	key := func(n int) journal.Reservation {
		return journal.Reservation{
			ID: entryAt(base, 1000+n, 0).ID, Workflow: "order",
			Key: journal.Key{Text: strconv.Itoa(n), Until: time.Now().Add(time.Hour)},
		}
	}
	answer := bytes.Repeat([]byte{'x'}, size)
	keys := 0
	for ; ; keys++ {
		err := j.Reserve(t.Context(), key(keys))
		if errors.Is(err, journal.ErrFull) {
			break
		}
		if err == nil {
			err = j.Settle(t.Context(), key(keys), answer)
		}
		if err != nil || keys > 100 {
			t.Fatalf("%d keys: %v", keys, err)
		}
	}
	if page, err := j.List(t.Context(), journal.Query{}); err != nil || len(page.Rows) > 0 {
		t.Errorf("keys are refused while there are %d records, %v", len(page.Rows), err)
	}
	for n := range keys {
		other := key(n)
		other.ID = entryAt(base, 5000, 0).ID
		var d *journal.DuplicateError
		if err := j.Reserve(t.Context(), other); !errors.As(err, &d) || len(d.Response) != size {
			t.Fatalf("key %d of %d: %v", n, keys, err)
		}
	}
	if err := j.Free(t.Context(), key(0)); err != nil {
		t.Fatal(err)
	}
	if err := j.Reserve(t.Context(), key(keys)); err != nil {
		t.Errorf("when a key has gone: %v", err)
	}
}

// TestDiskReserve: nothing new is taken while the disk is nearly full, and it is when there is room again.
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

// keysOf counts what is kept of keys.
func keysOf(t *testing.T, j *Journal) (n int) {
	t.Helper()
	if err := j.view(func(tx *bolt.Tx) error {
		for _, b := range [][]byte{bucketKeys, bucketExpiry, bucketHeld} {
			n += tx.Bucket(b).Stats().KeyN
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestExpiredKeysAreForgotten: they do not fill the file.
func TestExpiredKeysAreForgotten(t *testing.T) {
	j := open(t, path(t), roomy)
	r := journal.Reservation{ID: entry(1, 0).ID, Workflow: "order", Key: journal.Key{Text: "k", Until: time.Now().Add(-time.Second)}}
	if err := j.Reserve(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key goes", func() bool { return keysOf(t, j) == 0 })
}
