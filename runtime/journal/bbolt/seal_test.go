package bbolt

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// drain seals a journal and reads all of it.
func drain(t *testing.T, p string) (items []journal.Item, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := New(p, roomy, 0).Seal(ctx, journal.Seal{Move: "move", At: time.Now()})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for place := ""; ; place = items[len(items)-1].Place() {
		some, err := s.Read(ctx, place)
		if err != nil || len(some) == 0 {
			return items, err
		}
		items = append(items, some...)
	}
}

// TestDamagedSources: a damaged file is read, or rejected with an error that says so. The test
// would end with its own process if damage could end one.
func TestDamagedSources(t *testing.T) {
	p := busy(t)
	whole := read(t, p)
	whole = whole[:len(whole)/page*page]
	for name, harm := range harms {
		t.Run(name, func(t *testing.T) {
			served := 0
			const files = 6
			for seed := range uint64(files) {
				write(t, p, harm(rand.New(rand.NewPCG(seed, 12)), bytes.Clone(whole)))
				switch _, err := drain(t, p); {
				case err == nil:
					served++
				case !errors.Is(err, journal.ErrForeign), !strings.Contains(err.Error(), p):
					t.Errorf("seed %d: %v, want %v with its name", seed, err, journal.ErrForeign)
				}
			}
			t.Logf("%d of %d serve", served, files)
		})
	}
}

// TestDamagedRecord: a record that is damaged is moved as it is shown.
func TestDamagedRecord(t *testing.T) {
	p := path(t)
	j := open(t, p, roomy)
	e, other := entry(1, 10), entry(2, 10)
	put(t, j, e)
	put(t, j, other)
	if err := j.do(t.Context(), &funcOp{do: func(t *transaction) error {
		hour, err := hourOf(e.ID)
		if err != nil {
			return err
		}
		t.part(hour).records.put(t, []byte(e.ID), []byte("\xff"))
		return t.err
	}}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	items, err := drain(t, p)
	if err != nil || len(items) != 2 {
		t.Fatalf("%d items, %v", len(items), err)
	}
	if r := items[0].Record; r.Record.ID != e.ID || r.Record.Code != "record_damaged" || r.Source == nil {
		t.Errorf("%+v", r.Record)
	}
	if r := items[1].Record; r.Record.ID != other.ID || r.Record.Code != "" {
		t.Errorf("%+v", r.Record)
	}
}

// TestEarlierVersionsRejectASealedFile: they look at the format only.
func TestEarlierVersionsRejectASealedFile(t *testing.T) {
	p := path(t)
	j := open(t, p, roomy)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := drain(t, p); err != nil {
		t.Fatal(err)
	}
	db, err := openDB(p, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.View(func(tx *bolt.Tx) error {
		if f := tx.Bucket(bucketMeta).Get(keyFormat); bytes.Equal(f, format) || bytes.Equal(f, earlierFormat) {
			t.Errorf("the format is %q", f)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestExpiredIsNotMoved: what the retention has ended stays behind, and a target with a shorter one
// does not take more.
func TestExpiredIsNotMoved(t *testing.T) {
	p := path(t)
	j := open(t, p, roomy)
	old, young := entryAt(time.Now().Add(-80*time.Hour), 1, 10), entryAt(time.Now().Add(-2*time.Hour), 2, 10)
	put(t, j, old)
	put(t, j, young)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	items, err := drain(t, p)
	if err != nil || len(items) != 1 || items[0].Record.Record.ID != young.ID {
		t.Fatalf("%d items, %v", len(items), err)
	}
	brief := roomy
	brief.Retention = time.Hour
	got, err := open(t, path(t), brief).Import(t.Context(), "move", items)
	if want := (journal.Taken{Expired: 1}); err != nil || got.Records != want {
		t.Errorf("%+v, %v", got, err)
	}
}
