package bbolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/goleak"

	"github.com/flowtrux/edge/runtime/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// roomy makes tests independent of the free space on the disk.
var roomy = Limits{MinFree: 1}

// path returns a path in a directory that does not exist yet.
func path(t *testing.T) string { return filepath.Join(t.TempDir(), "journal", "journal.db") }

func open(t *testing.T, path string, l Limits) *Journal {
	t.Helper()
	j := New(path, l, 0)
	if err := j.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// entryAt returns an entry that was accepted at a time, with so many bytes of data.
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

// eventually polls until ok returns true: the journal maintains its file in the background.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not reached: %s", what)
		}
	}
}

func gone(t *testing.T, j *Journal, id string) func() bool {
	return func() bool {
		_, err := j.Get(t.Context(), id)
		return errors.Is(err, journal.ErrUnknown)
	}
}

func read(t *testing.T, p string) []byte {
	t.Helper()
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, p string, b []byte) {
	t.Helper()
	if err := os.WriteFile(p, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// funcOp is an operation of a test.
type funcOp struct {
	baseOp
	do func(*transaction) error
}

func (o *funcOp) apply(t *transaction) error { return o.do(t) }
