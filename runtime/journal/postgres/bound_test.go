//go:build unix

package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/flowtrux/edge/runtime/journal"
)

// entryAt returns an entry whose id has a time.
func entryAt(t *testing.T, at time.Time, n int) *journal.Entry {
	t.Helper()
	var id ulid.ULID
	must(t, "making an id", id.SetTime(ulid.Timestamp(at)))
	id[14], id[15] = byte(n>>8), byte(n)
	e := entryOf("order", n)
	e.ID = "exec-" + strings.ToLower(id.String())
	return e
}

// putRecords stores records of 1 MiB.
func putRecords(t *testing.T, j *Journal, at time.Time, n int) (ids []string) {
	t.Helper()
	for range n {
		e := entryAt(t, at, len(ids))
		e.Data = random(1 << 20)
		r := &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Failed}}}
		e.Complete(&r.Summary)
		must(t, "putting", j.Put(t.Context(), journal.Ended{Record: r, Source: e}))
		ids = append(ids, e.ID)
	}
	return ids
}

func random(n int) []byte {
	b := make([]byte, n)
	seed := uint64(n)
	for i := range b {
		seed = seed*6364136223846793005 + 1442695040888963407
		b[i] = byte(seed >> 56)
	}
	return b
}

// TestMaxBytes: beyond MaxBytes, the oldest hours go, and then the oldest records of the present
// one. What is pending stays.
func TestMaxBytes(t *testing.T) {
	const most = 16 << 20
	j := open(t, "a", time.Minute)
	j.Configure(Limits{MaxBytes: most})
	now := j.Now()
	later := now.Add(2 * time.Hour) // as the present hour, it cannot be dropped
	oldest := putRecords(t, j, now.Add(-3*time.Hour), 8)
	pending := entryAt(t, now.Add(-2*time.Hour), 1)
	must(t, "accepting", j.Accept(t.Context(), pending))
	kept := putRecords(t, j, now.Add(-2*time.Hour), 3)
	has := func(id string) bool {
		t.Helper()
		_, err := j.Get(t.Context(), id)
		if err != nil && !errors.Is(err, journal.ErrUnknown) {
			t.Error(err)
		}
		return err == nil
	}
	must(t, "keeping the bound", j.keepBound(t.Context()))
	if !has(oldest[0]) || j.evictionWarning() != "" {
		t.Error("something was dropped below the bound")
	}
	if stats, err := j.Stats(t.Context()); err != nil || stats.Bytes < 11<<20 || stats.Bytes > most {
		t.Errorf("%d bytes are used, %v", stats.Bytes, err)
	}
	present := putRecords(t, j, later, 8)
	eventually(t, "keeping the bound", func() error { return j.keepBound(t.Context()) })
	if has(oldest[0]) || !has(pending.ID) || !has(kept[0]) || !has(present[0]) {
		t.Errorf("there are oldest %t, pending %t, kept %t, present %t", has(oldest[0]), has(pending.ID), has(kept[0]), has(present[0]))
	}
	if w := fmt.Sprint(j.Warnings()); !strings.Contains(w, "max_bytes 16777216 was reached") {
		t.Errorf("the warnings are %s", w)
	}
	must(t, "accepting", j.Accept(t.Context(), entryAt(t, later, 100)))
	more := putRecords(t, j, later.Add(time.Millisecond), 10)
	j.bounding.Lock()
	j.trimmed = time.Time{}
	j.bounding.Unlock()
	eventually(t, "keeping the bound", func() error { return j.keepBound(t.Context()) })
	if has(present[0]) || !has(more[9]) || !has(pending.ID) || !has(kept[0]) || !has(entryAt(t, later, 100).ID) {
		t.Errorf("there are present %t, more %t, pending %t, kept %t", has(present[0]), has(more[9]), has(pending.ID), has(kept[0]))
	}
	var bytes int64
	must(t, "reading", j.pool.QueryRow(t.Context(), j.sql("select sum(length(data)) from {s}.entries", 0)).Scan(&bytes))
	if bytes > most {
		t.Errorf("%d bytes are left", bytes)
	}
}
