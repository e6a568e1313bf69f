//go:build unix

package postgres

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/oklog/ulid/v2"

	"github.com/flowtrux/edge/runtime/journal"
)

// recordsIn is the variable with the number of records of BenchmarkLists. The figures that are
// promised are those of 3,000,000.
const recordsIn = "FLOWTRUX_TEST_RECORDS"

const (
	benchHours     = 72
	benchWorkflows = 200
)

// BenchmarkLists reads pages and records beside many others of 200 workflows in 72 hours. One in
// 1000 has failed.
func BenchmarkLists(b *testing.B) {
	n := 20_000
	if text := os.Getenv(recordsIn); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	j := openBench(b).(*Journal)
	ids := fill(b, j, n)
	j.CountEnded(journal.EndedCount{Workflow: "x", ID: ids[0], Status: journal.Failed, EndedAt: time.Now()})
	for _, c := range []struct {
		name string
		q    journal.Query
	}{
		{"all", journal.Query{}},
		{"workflow", journal.Query{Workflow: "workflow-7"}},
		{"workflow_status", journal.Query{Workflow: "workflow-7", Statuses: []string{journal.Succeeded}}},
		{"workflow_rare", journal.Query{Workflow: "workflow-7", Statuses: []string{journal.Failed}}},
		{"workflow_none", journal.Query{Workflow: "workflow-7", Statuses: []string{journal.TimedOut}}},
		{"failed", journal.Query{Statuses: []string{journal.Failed, journal.TimedOut}}},
		{"source", journal.Query{Source: journal.SourceConsole}},
		{"page", journal.Query{Workflow: "workflow-7", Cursor: ids[n/2]}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := j.List(b.Context(), c.q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("by_id", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, err := j.Get(b.Context(), ids[n-1-i*7919%(n/2)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if _, err := j.Counts(b.Context(), journal.CountsQuery{Hours: 24}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// fill stores records, the oldest first, and returns their ids.
func fill(b *testing.B, j *Journal, n int) []string {
	ids := make([]string, 0, n)
	start := time.Now().Add(-benchHours*time.Hour + time.Minute)
	step := time.Duration(benchHours) * time.Hour / time.Duration(n+n/100+1)
	var rows [][]any
	var hour uint32
	flush := func() {
		if len(rows) == 0 {
			return
		}
		if err := j.ensureHour(b.Context(), hour); err != nil {
			b.Fatal(err)
		}
		columns := []string{"hour", "id", "workflow", "status", "source", "summary", "details"}
		table := pgx.Identifier{j.options.Schema, fmt.Sprintf("records_%d", hour)}
		if _, err := j.pool.CopyFrom(b.Context(), table, columns, pgx.CopyFromRows(rows)); err != nil {
			b.Fatal(err)
		}
		rows = rows[:0]
	}
	for i := range n {
		at := start.Add(time.Duration(i) * step)
		var id ulid.ULID
		if err := id.SetTime(ulid.Timestamp(at)); err != nil {
			b.Fatal(err)
		}
		binary.BigEndian.PutUint64(id[8:], uint64(i))
		s := journal.Summary{
			ID: "exec-" + strings.ToLower(id.String()), Workflow: fmt.Sprint("workflow-", i%benchWorkflows), Revision: 7, Mode: "minimal",
			AcceptedAt: at, StartedAt: at, EndedAt: at, Outcome: journal.Outcome{Status: journal.Succeeded},
		}
		if i%1009 == 0 {
			s.Status = journal.Failed
		}
		if i%5003 == 0 {
			s.Source = journal.SourceConsole
		}
		text, err := json.Marshal(s)
		if err != nil {
			b.Fatal(err)
		}
		if h := hourAt(at); h != hour {
			flush()
			hour = h
		}
		rows = append(rows, []any{int32(hour), s.ID, s.Workflow, s.Status, s.Source, text, []byte(`{"nodes":[]}`)})
		ids = append(ids, s.ID)
	}
	flush()
	return ids
}
