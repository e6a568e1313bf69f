package consoletest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/bbolt"
)

// SeedWorkflows writes n workflows with their secrets to a directory, for the seed of a store.
func SeedWorkflows(dir string, n int) error {
	for _, name := range []string{"workflows", "secrets"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return err
		}
	}
	for i := range n {
		id := SeededID(i)
		document := Document(fmt.Sprintf("Seeded workflow %d", i), []string{Transform("echo", `"{{trigger.data}}"`)}, []string{"trigger>echo"})
		err := errors.Join(os.WriteFile(filepath.Join(dir, "workflows", id+".json"), []byte(document), 0o600),
			os.WriteFile(filepath.Join(dir, "secrets", id), []byte("a secret of "+id), 0o600))
		if err != nil {
			return err
		}
	}
	return nil
}

// SeededID returns the id of a seeded workflow.
func SeededID(i int) string { return fmt.Sprintf("seeded-%04d", i) }

// batch is how many records are written at once.
const batch = 1000

// SeededIDs returns the ids of the first n seeded workflows.
func SeededIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = SeededID(i)
	}
	return ids
}

// SeedRecords stores n records in the journal's file, of executions of these workflows in the last
// day. The server must not run yet.
func SeedRecords(ctx context.Context, file string, workflows []string, n int) (err error) {
	j := bbolt.New(file, bbolt.Limits{Retention: 7 * 24 * time.Hour}, time.Minute)
	if err := j.Open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	counting := journal.CountingOf(j)
	now := time.Now()
	var list []journal.Ended
	for i := range n {
		// As in life, there are hours with more and with less.
		ago := 1 - float64(i)/float64(n)
		at := now.Add(-time.Duration((ago + 0.04*math.Sin(6*math.Pi*ago)) * float64(23*time.Hour)))
		e := seeded(i, workflows[i%len(workflows)], at)
		counting.CountEnded(journal.EndedCount{ID: e.Record.ID, Workflow: e.Record.Workflow, Status: e.Record.Status, EndedAt: e.Record.EndedAt, Duration: e.Record.EndedAt.Sub(e.Record.StartedAt)})
		list = append(list, e)
		if len(list) == batch || i == n-1 {
			if err := j.Put(ctx, list...); err != nil {
				return err
			}
			list = list[:0]
		}
	}
	return nil
}

// seeded returns an execution that has ended.
func seeded(i int, workflow string, at time.Time) journal.Ended {
	id := ulid.ULID{}
	_ = id.SetTime(ulid.Timestamp(at)) // it is this day
	binary.BigEndian.PutUint64(id[8:], uint64(i))
	outcome, state := journal.Outcome{Status: journal.Succeeded}, "succeeded"
	if i%17 == 0 {
		outcome, state = journal.Outcome{Status: journal.Failed, Node: "echo", Code: "seeded", Message: "this one has failed"}, "failed"
	}
	took := time.Duration(1+i%90) * time.Millisecond
	s := journal.Summary{
		ID: "exec-" + strings.ToLower(id.String()), Workflow: workflow, Revision: 1, Mode: "lastNode",
		AcceptedAt: at, StartedAt: at, EndedAt: at.Add(took), Outcome: outcome,
	}
	data := fmt.Sprintf(`{"order_id":"A-%d","total":%d.50}`, i, i%500)
	document := Document(workflow, []string{Transform("echo", `"{{trigger.data}}"`)}, []string{"trigger>echo"})
	return journal.Ended{
		Record: &journal.Record{
			Summary: s, Trigger: &journal.Trigger{Data: journal.Value{Text: data}, Method: "POST", ReceivedAt: at},
			Nodes: []journal.NodeRecord{
				{ID: "trigger", Type: "trigger", State: "succeeded", StartedAt: at, Output: journal.Value{Text: data}},
				{ID: "echo", Type: "transform", State: state, StartedAt: at, Duration: took, Input: journal.Value{Text: data}, Output: journal.Value{Text: data}},
			},
		},
		Source: &journal.Entry{
			ID: s.ID, Workflow: s.Workflow, Revision: 1, Document: []byte(document), AcceptedAt: at, ReceivedAt: at,
			Method: "POST", Data: []byte(data), Query: []byte("{}"), Headers: []byte("{}"),
		},
	}
}
