// Package journaltest is the suite that every journal engine passes. An engine's test calls [Run]
// with a way to make journals; the suite speaks to them only through the interfaces of package
// journal.
package journaltest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"

	"github.com/flowtrux/edge/runtime/journal"
)

// patience bounds the waits of the suite. Nothing depends on its length but how long a broken
// engine takes to fail.
const patience = 30 * time.Second

// Engine says how to make journals of one engine.
type Engine struct {
	// At makes a journal that holds at most maxPending entries that have not ended. It keeps what
	// it holds in a directory, which is empty the first time: when journal.Memory is not all that
	// it promises, the next journal of the same directory holds it too. The suite opens and closes
	// it, one of a directory at a time.
	At func(dir string, maxPending int) journal.Journal
	// Bounded makes a journal whose bounds follow from so many bytes, at least 16 MiB: what is
	// pending and kept takes no more, and kept responses a quarter of it.
	Bounded func(dir string, bytes int64) journal.Journal
	// Durability is what the journals must say of themselves.
	Durability journal.Durability
}

// Run runs the suite. It is called by a test of its own, which is run again in processes that are
// killed.
func Run(t *testing.T, e Engine) {
	if dir := os.Getenv(childDir); dir != "" {
		child(t, e, dir)
		return
	}
	cases := []testCase{
		{"an entry comes out as it went in", roundTrip},
		{"claims come in order", order},
		{"a claim waits for an entry", claimWaits},
		{"a claim ends with its context", claimCancelled},
		{"a full journal refuses", full},
		{"an id is kept once", exists},
		{"a closed journal refuses, leases go on", closed},
		{"checkpoints outlive the lease", checkpoints},
		{"workflows take turns", takeTurns},
		{"a claim leaves workflows out", excepted},
		{"a released entry is the next", release},
		{"a delayed release", releaseLater},
		{"an ended lease is lost", leaseLost},
		{"finish and release can be repeated", repeated},
		{"an adopted entry is leased", adopt},
		{"stats", stats},
		{"hammer", hammer},
		{"a key starts one execution", keys},
		{"a full journal knows its keys", keysWhenFull},
		{"a waiting execution has its key until it ends", reservations},
		{"a key's time ends", keyTime},
		{"many want one key", keyRace},
		{"a workflow has its share of entries", shareOfEntries},
		{"a workflow has its share of bytes", shareOfBytes},
		{"a step has its bound", shareOfSteps},
		{"a workflow has its share of kept responses", shareOfResponses},
		{"kept responses have their bound", boundOfResponses},
		{"records come out as they went in", records},
		{"what an execution is run from is exact", sources},
		{"lists go from the newest", lists},
		{"cancelling", cancelling},
	}
	if e.Durability != journal.Memory {
		cases = append(cases, durable...)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.run(&suite{T: t, engine: e})
		})
	}
}

// testCase is one test of the suite.
type testCase struct {
	name string
	run  func(*suite)
}

// suite is one test's view: journal calls that must not fail, with the error where it happens.
type suite struct {
	*testing.T
	engine Engine
}

func (s *suite) open(maxPending int) journal.Journal {
	s.Helper()
	return s.openAt(s.TempDir(), maxPending)
}

func (s *suite) openAt(dir string, maxPending int) journal.Journal {
	s.Helper()
	return s.opened(s.engine.At(dir, maxPending))
}

// opened opens a journal, to be closed at the end.
func (s *suite) opened(j journal.Journal) journal.Journal {
	s.Helper()
	for range 2 {
		s.must("opening", j.Open(s.context()))
	}
	s.Cleanup(func() {
		if err := j.Close(); err != nil {
			s.Errorf("closing: %v", err)
		}
	})
	return j
}

func (s *suite) context() context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	s.Cleanup(cancel)
	return ctx
}

func (s *suite) accept(j journal.Journal, entries ...*journal.Entry) {
	s.Helper()
	for _, e := range entries {
		if err := j.Accept(s.context(), e); err != nil {
			s.Fatalf("accepting %s: %v", e.ID, err)
		}
	}
}

func (s *suite) claim(j journal.Journal, id string) journal.Lease {
	s.Helper()
	l, err := j.Claim(s.context())
	if err != nil {
		s.Fatalf("claiming: %v", err)
	}
	if id != "" && l.Entry().ID != id {
		s.Fatalf("claimed %s, want %s", l.Entry().ID, id)
	}
	return l
}

// must fails the test when an operation did.
func (s *suite) must(doing string, err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("%s: %v", doing, err)
	}
}

func (s *suite) wantError(doing string, got, want error) {
	s.Helper()
	if !errors.Is(got, want) {
		s.Fatalf("%s: %v, want %v", doing, got, want)
	}
}

func (s *suite) wantStats(j journal.Journal, want journal.Stats) {
	s.Helper()
	got, err := j.Stats(s.context())
	s.must("reading stats", err)
	got = journal.Stats{Pending: got.Pending, Running: got.Running, Oldest: got.Oldest}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Fatalf("stats (-want +got):\n%s", diff)
	}
}

// epoch is when the suite's entries begin: not long ago, so that no retention is over. Whole
// milliseconds in UTC are what every engine can keep.
var epoch = time.Now().UTC().Truncate(time.Millisecond).Add(-time.Hour)

// entry makes the n-th entry of a test.
func entry(n int) *journal.Entry {
	at := epoch.Add(time.Duration(n) * time.Second)
	return &journal.Entry{
		ID:         newID(at, n),
		Workflow:   "order-intake",
		Revision:   int64(1000 + n),
		Document:   fmt.Appendf(nil, `{"name":"Order intake %d","nodes":[]}`, n%2),
		AcceptedAt: at,
		Data:       fmt.Appendf(nil, `{"order_id":"A-%d","total":1.50,"note":"zwölf\u0000","_query":{"q":["1","2"]}}`, n),
		Query:      []byte(`{"q":["1","2"]}`),
		Headers:    []byte(`{"content-type":"application/json"}`),
		Method:     "POST",
		ClientIP:   "2001:db8::1",
		ReceivedAt: epoch,
	}
}

// newID is an execution's id: the same for the same time and number.
func newID(at time.Time, n int) string {
	var id ulid.ULID
	if err := id.SetTime(ulid.Timestamp(at)); err != nil {
		panic(err)
	}
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return "exec-" + strings.ToLower(id.String())
}

func step(node, output, handle string) journal.Step {
	return journal.Step{Node: node, Output: []byte(output), Handle: handle}
}

// ended is how an execution ended.
func ended(status string) *journal.Record {
	r := new(journal.Record)
	r.Status = status
	return r
}
