package move_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/bbolt"
	"github.com/flowtrux/edge/runtime/journal/move"
	"github.com/flowtrux/edge/runtime/journal/postgres"
)

// postgresIn is the variable with the connection string of a database, for processes that tests
// start as well.
const postgresIn = "FLOWTRUX_MOVE_POSTGRES"

// schema returns the path of a journal in a database, see journalAt.
func schema(name string) string { return "postgres/" + name }

// journalAt returns the journal of a file, which is independent of the free space on the disk, or
// that of a schema.
func journalAt(path string) journal.Portable {
	if name, ok := strings.CutPrefix(path, "postgres/"); ok {
		return postgres.New(postgres.Options{Connection: os.Getenv(postgresIn), Schema: name, Machine: "test"})
	}
	return bbolt.New(path, bbolt.Limits{MinFree: 1}, 0)
}

// start is when the first execution of a test was accepted: recent, so that no retention is over.
var start = time.Now().UTC().Truncate(time.Millisecond).Add(-2 * time.Hour)

// entry returns the n-th entry, accepted one second after the one before.
func entry(n int) *journal.Entry {
	at := start.Add(time.Duration(n) * time.Second)
	var id ulid.ULID
	if err := id.SetTime(ulid.Timestamp(at)); err != nil {
		panic(err)
	}
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return &journal.Entry{
		ID: "exec-" + strings.ToLower(id.String()), Workflow: fmt.Sprint("w", n%3), Revision: int64(n % 5),
		Document: fmt.Appendf(nil, `{"name":"<w> & %d","nodes":[]}`, n%7), AcceptedAt: at, ReceivedAt: at,
		Data: fmt.Appendf(nil, `{"n":%d,"text":"<zwölf>"}`, n), Query: []byte(`{}`), Headers: []byte(`{}`), Method: "POST", ClientIP: "::1",
	}
}

func recordOf(e *journal.Entry) *journal.Record {
	r := new(journal.Record)
	r.ID, r.Workflow, r.Revision, r.AcceptedAt, r.EndedAt = e.ID, e.Workflow, e.Revision, e.AcceptedAt, e.AcceptedAt.Add(time.Second)
	r.Status = journal.Succeeded
	r.Nodes = []journal.NodeRecord{{ID: "a", State: "completed", Output: journal.Value{Text: `{"html":"<b>"}`}}}
	return r
}

// content is what a test puts into a journal.
type content struct{ keys, records, pending []int }

// all are the items of a content, as a move has them.
func (c content) items() (all []journal.Item) {
	until := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	for _, n := range c.keys {
		e := entry(n)
		all = append(all, journal.Item{Key: &journal.MovedKey{
			Name: journal.KeyName(e.Workflow, e.ID), Workflow: e.Workflow, ID: e.ID, Digest: journal.KeyName("", e.ID),
			Until: until.Add(time.Duration(n) * time.Second), Response: bytes.Repeat([]byte{0, 0xff, byte(n)}, n%2000),
		}})
	}
	for _, n := range c.records {
		ended := &journal.Ended{Record: recordOf(entry(n))}
		if n%4 != 0 {
			ended.Source = entry(n)
		}
		all = append(all, journal.Item{Record: ended})
	}
	for _, n := range c.pending {
		e := entry(n)
		e.Deaths = n % 3
		for s := range n % 4 {
			e.Steps = append(e.Steps, journal.Step{
				Node: fmt.Sprint("n", 9-s), Output: fmt.Appendf(nil, `%q`, strings.Repeat("o", n%5000)), Handle: strings.Repeat("true", s%2),
			})
		}
		all = append(all, journal.Item{Pending: e})
	}
	slices.SortFunc(all, func(a, b journal.Item) int { return strings.Compare(a.Place(), b.Place()) })
	return all
}

// some returns a content of each kind.
func some(n int) (c content) {
	for i := range n {
		c.keys = append(c.keys, 3*i)
		c.records = append(c.records, 3*i+1)
		c.pending = append(c.pending, 3*i+2)
	}
	return c
}

// fill makes a journal with a content.
func fill(t tester, path string, items []journal.Item) {
	t.Helper()
	j := journalAt(path)
	must(t, j.Open(context.Background()))
	for part := range slices.Chunk(items, 256) {
		_, err := j.Import(context.Background(), "fill", part)
		must(t, err)
	}
	must(t, j.Close())
}

// tester is a test, or one run of a property.
type tester interface {
	Helper()
	Fatal(args ...any)
}

func must(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func quiet(move.State) {}

// export seals a journal and exports it to a file.
func export(path, file string, progress move.Progress) (move.Exported, error) {
	ctx := context.Background()
	sealed, err := journalAt(path).Seal(ctx, journal.Seal{Move: "move-of-" + filepath.Base(path), At: start})
	if err != nil {
		return move.Exported{}, err
	}
	x, err := move.Export(ctx, sealed, file, "test", progress)
	if closed := sealed.Close(); err == nil {
		err = closed
	}
	return x, err
}

// importInto imports a file into a journal.
func importInto(path, file string, progress move.Progress) (move.Imported, error) {
	j := journalAt(path)
	if err := j.Open(context.Background()); err != nil {
		return move.Imported{}, err
	}
	i, err := move.Import(context.Background(), j, file, progress)
	if closed := j.Close(); err == nil {
		err = closed
	}
	return i, err
}

// contentOf reads all items of a journal, which is sealed for it.
func contentOf(t tester, path string) (all []journal.Item) {
	t.Helper()
	sealed, err := journalAt(path).Seal(context.Background(), journal.Seal{Move: "look", At: start})
	must(t, err)
	for place := ""; ; place = all[len(all)-1].Place() {
		items, err := sealed.Read(context.Background(), place)
		must(t, err)
		if len(items) == 0 {
			must(t, sealed.Close())
			return all
		}
		all = append(all, items...)
	}
}

func readFile(t tester, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	must(t, err)
	return b
}

func writeFile(t tester, name string, b []byte) {
	t.Helper()
	must(t, os.WriteFile(name, b, 0o600))
}
