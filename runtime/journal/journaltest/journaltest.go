// Package journaltest is the test suite for journal engines. An engine's test calls [Run] with a
// way to make journals. The suite uses them only through the interfaces of package journal.
//
// The package is a stable API, but the suite may get further tests in any version, and further
// settings are added as fields of Engine.
package journaltest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/oklog/ulid/v2"

	"github.com/flowtrux/edge/runtime/journal"
)

// timeLimit is the time limit of each wait in the suite. It determines only how long a broken
// engine takes to fail.
const timeLimit = 30 * time.Second

// Engine says how to make the journals of an engine.
type Engine struct {
	// At makes a journal that holds at most maxPending entries that have not ended. It stores its
	// content in a directory, which is empty at first. Unless the durability is journal.Memory, the
	// next journal in the same directory has the same content. The suite opens and closes journals,
	// one at a time in a directory unless the engine is Shared.
	At func(dir string, maxPending int) journal.Journal
	// Shared means that several journals in one directory can be open at a time, also in different
	// processes.
	Shared bool
	// Lease is how long after the death of a process the others may take to know of it. 0 means
	// that the next journal in its directory knows when it is open.
	Lease time.Duration
	// Bounded makes a journal whose limits follow from a number of bytes, at least 16 MiB: all of
	// its content takes no more, and stored responses take at most a quarter of it.
	Bounded func(dir string, bytes int64) journal.Journal
	// Durability is the durability that the journals must report.
	Durability journal.Durability
}

// Run runs the suite. It must be called by a test that does nothing else: that test is run again in
// processes that are killed.
func Run(t *testing.T, e Engine) {
	if dir := os.Getenv(childDir); dir != "" {
		child(t, e, dir)
		return
	}
	cases := []testCase{
		{"an entry is claimed as it was accepted", roundTrip},
		{"claims come in order", order},
		{"a claim waits for an entry", claimWaits},
		{"a claim ends with its context", claimCancelled},
		{"a full journal rejects", full},
		{"an id is accepted once", exists},
		{"a closed journal rejects all calls", closed},
		{"checkpoints outlive the lease", checkpoints},
		{"workflows take turns", roundRobin},
		{"a claim can except workflows", exceptions},
		{"a released entry is claimed next", release},
		{"a delayed release", releaseLater},
		{"an ended lease is lost", leaseLost},
		{"finish and release can be repeated", repeated},
		{"an adopted entry is leased", adopt},
		{"an entry tells when it first began", began},
		{"stats", stats},
		{"concurrent use", concurrent},
		{"a key starts one execution", keys},
		{"a full journal recognizes duplicates", duplicatesWhenFull},
		{"a reserved key is settled or freed", reservations},
		{"a key expires", keyTime},
		{"concurrent reservations of a key", keyRace},
		{"a workflow has its share of entries", shareOfEntries},
		{"a workflow has its share of bytes", shareOfBytes},
		{"steps count towards the share", shareOfSteps},
		{"a workflow has its share of stored responses", shareOfResponses},
		{"stored responses are limited", boundOfResponses},
		{"records are read as they were written", records},
		{"a source is exactly what was accepted", sources},
		{"lists start with the newest", lists},
		{"cancellation", cancelling},
		{"counters by the hour", counters},
		{"concurrent counting", countersAtOnce},
	}
	if e.Durability != journal.Memory {
		cases = append(cases, durable...)
	}
	if _, ok := e.At(t.TempDir(), 1).(journal.Portable); ok {
		cases = append(cases, portable...)
	}
	if e.Shared {
		cases = append(cases, shared...)
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

// suite is the view of one test. Calls of the journal that must not fail are methods of it.
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

// opened opens a journal, which is closed at the end of the test.
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
	ctx, cancel := context.WithTimeout(s.Context(), timeLimit)
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

// must fails the test if an operation has failed.
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

// anyMachine ignores which machine has taken a request: only engines that are shared know it.
var anyMachine = cmpopts.IgnoreFields(journal.Summary{}, "Machine")

// epoch is the acceptance time of the first entry: recent, so that no retention is over, and in
// whole milliseconds in UTC, which every engine can store.
var epoch = time.Now().UTC().Truncate(time.Millisecond).Add(-time.Hour)

// entry returns the n-th entry of a test.
func entry(n int) *journal.Entry {
	at := epoch.Add(time.Duration(n) * time.Second)
	var trace journal.TraceContext
	if n%2 == 1 { // others have none
		trace = journal.TraceContext{TraceID: [16]byte{15: byte(n)}, SpanID: [8]byte{7: byte(n)}, Flags: 1}
	}
	if n%4 == 1 {
		trace.State = "vendor=1,other=" + strconv.Itoa(n)
	}
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
		Trace:      trace,
	}
}

// newID returns an execution's id: the same for the same time and number.
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

// ended returns the record of an ended execution.
func ended(status string) *journal.Record {
	r := new(journal.Record)
	r.Status = status
	return r
}
