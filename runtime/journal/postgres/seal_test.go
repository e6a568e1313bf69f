//go:build unix

package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/flowtrux/edge/runtime/journal"
)

var testSeal = journal.Seal{Move: "move-test", At: time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC)}

// movedEntry returns the n-th entry of a move.
func movedEntry(n int) *journal.Entry {
	at := time.Now().UTC()
	var id ulid.ULID
	if err := id.SetTime(ulid.Timestamp(at)); err != nil {
		panic(err)
	}
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return &journal.Entry{
		ID: "exec-" + strings.ToLower(id.String()), Workflow: "w", Document: []byte(`{}`), AcceptedAt: at, ReceivedAt: at,
		Data: fmt.Appendf(nil, `{"n":%d}`, n), Query: []byte(`{}`), Headers: []byte(`{}`),
	}
}

func openedWith(t *testing.T, o Options) *Journal {
	t.Helper()
	j := New(o)
	if err := j.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func wantAll(t *testing.T, err, is error, texts ...string) {
	t.Helper()
	if !errors.Is(err, is) {
		t.Errorf("%v, want %v", err, is)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %q", err, text)
		}
	}
}

// TestSealNeedsThatNoMachineLives: the error names those that do, and they go on.
func TestSealNeedsThatNoMachineLives(t *testing.T) {
	o := optionsIn(t.TempDir())
	var all []*Journal
	for _, name := range []string{"edge-1", "edge-2"} {
		o.Machine = name
		all = append(all, openedWith(t, o))
	}
	_, err := New(o).Seal(t.Context(), testSeal)
	wantAll(t, err, journal.ErrInUse, "edge-1, last seen", "edge-2, last seen", "that has died counts for another")
	if err := all[0].Close(); err != nil {
		t.Fatal(err)
	}
	_, err = New(o).Seal(t.Context(), testSeal)
	wantAll(t, err, journal.ErrInUse, "edge-2, last seen")
	if strings.Contains(err.Error(), "edge-1") {
		t.Errorf("a machine that was closed is named: %v", err)
	}
	if err := all[1].Accept(t.Context(), movedEntry(1)); err != nil {
		t.Errorf("a machine that lives: %v", err)
	}
}

// TestSealedSchemaIsNotWritten: a machine that was stopped for longer than its lease, and was taken
// for dead by the seal, writes nothing when it goes on. It works again when the seal is taken back.
func TestSealedSchemaIsNotWritten(t *testing.T) {
	o := optionsIn(t.TempDir())
	o.Lease = time.Hour // it does not extend it while the test runs
	j := openedWith(t, o)
	e := movedEntry(1)
	if err := j.Accept(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	// As if it had been stopped for longer than its lease.
	if _, err := j.pool.Exec(t.Context(), j.sql("update {s}.machines set until = clock_timestamp() - interval '1 second'", 0)); err != nil {
		t.Fatal(err)
	}
	sealed, err := New(o).Seal(t.Context(), testSeal)
	if err != nil {
		t.Fatal(err)
	}
	defer sealed.Close()
	wantAll(t, j.Accept(t.Context(), movedEntry(2)), journal.ErrUnavailable)
	items, err := sealed.Read(t.Context(), "")
	if err != nil || len(items) != 1 || items[0].Pending == nil || items[0].Pending.ID != e.ID {
		t.Errorf("%+v, %v", items, err)
	}
	if err := sealed.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantAll(t, sealed.Unseal(t.Context()), journal.ErrNotSealed)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for err = journal.ErrUnavailable; errors.Is(err, journal.ErrUnavailable); {
		err = j.Accept(ctx, movedEntry(3))
	}
	if err != nil {
		t.Error(err)
	}
}

// TestSealRefusals: what is no journal, of another fleet or of a newer version stays as it is.
func TestSealRefusals(t *testing.T) {
	o := optionsIn(t.TempDir())
	_, err := New(o).Seal(t.Context(), testSeal)
	wantAll(t, err, fs.ErrNotExist, "there is no journal in schema "+o.Schema)
	o.Fleet = "one"
	j := openedWith(t, o)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	other := o
	other.Fleet = "another"
	_, err = New(other).Seal(t.Context(), testSeal)
	wantAll(t, err, journal.ErrOtherFleet, "journal of other machines: schema", "belongs to the fleet of one", "another")
	exec := func(text string) {
		t.Helper()
		o := openedWith(t, optionsIn(t.TempDir()))
		if _, err := o.pool.Exec(t.Context(), j.sql(text, 0)); err != nil {
			t.Fatal(err)
		}
	}
	exec("update {s}.meta set version = 99")
	_, err = New(o).Seal(t.Context(), testSeal)
	wantAll(t, err, journal.ErrForeign, "has version 99", "use a newer program")
	exec("update {s}.meta set version = 1")
	_, err = New(o).Seal(t.Context(), journal.Seal{})
	wantAll(t, err, journal.ErrNotSealed)
	replicated := o
	replicated.Require = journal.Replicated
	_, err = New(replicated).Seal(t.Context(), testSeal)
	wantAll(t, err, errNotReplicated)
	openedWith(t, o) // none of that has sealed it
}

// TestSealEndsWhatIsDamaged: an entry that somebody has deleted a part of can be neither run nor
// moved, and must not keep all others from being moved.
func TestSealEndsWhatIsDamaged(t *testing.T) {
	o := optionsIn(t.TempDir())
	j := openedWith(t, o)
	whole, damaged := movedEntry(1), movedEntry(2)
	for _, e := range []*journal.Entry{whole, damaged} {
		if err := j.Accept(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.pool.Exec(t.Context(), j.sql("delete from {s}.entries where id = $1", 0), damaged.ID); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	sealed, err := New(o).Seal(t.Context(), testSeal)
	if err != nil {
		t.Fatal(err)
	}
	defer sealed.Close()
	items, err := sealed.Read(t.Context(), "")
	if err != nil || len(items) != 2 || items[0].Record == nil || items[0].Record.Record.ID != damaged.ID ||
		items[0].Record.Record.Code != "entry_damaged" || items[1].Pending == nil || items[1].Pending.ID != whole.ID {
		t.Errorf("%+v, %v", items, err)
	}
}

// TestImportStopsBeforeWhatCannotBeStored: PostgreSQL has no zero bytes in texts.
func TestImportStopsBeforeWhatCannotBeStored(t *testing.T) {
	j := openedWith(t, optionsIn(t.TempDir()))
	items := make([]journal.Item, 5)
	for n := range items {
		items[n].Pending = movedEntry(n)
	}
	items[3].Pending.Method = "a\x00b"
	p, err := j.Import(t.Context(), "move", items)
	if err == nil || p.Place != items[2].Place() || p.Pending.Stored != 3 {
		t.Errorf("%+v, %v", p, err)
	}
	items[3].Pending.Method = "ab"
	if p, err = j.Import(t.Context(), "move", items); err != nil || p.Pending.Stored != 5 {
		t.Errorf("%+v, %v", p, err)
	}
	if s, err := j.Stats(t.Context()); err != nil || s.Pending != 5 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestImportsAtATime: several processes import the same file, and each item is stored once.
func TestImportsAtATime(t *testing.T) {
	const items, processes = 100, 3
	o := optionsIn(t.TempDir())
	all := make([]journal.Item, items)
	for n := range all {
		all[n].Pending = movedEntry(n)
	}
	errs := make(chan error, processes)
	for n := range processes {
		o.Machine = fmt.Sprint("edge-", n)
		j := openedWith(t, o)
		go func() {
			var err error
			for first := 0; first < items && err == nil; first += 10 {
				_, err = j.Import(context.Background(), "move", all[first:first+10])
			}
			errs <- err
		}()
	}
	for range processes {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	j := openedWith(t, o)
	p, err := j.Import(t.Context(), "move", nil)
	if err != nil || p.Pending != (journal.Taken{Stored: items}) {
		t.Errorf("%+v, %v", p, err)
	}
	if s, err := j.Stats(t.Context()); err != nil || s.Pending != items {
		t.Errorf("%+v, %v", s, err)
	}
}
