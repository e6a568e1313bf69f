package memory

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// TestRecordsAreFewObjects checks that a record with many nodes is a handful of objects, since each
// collection of garbage looks at all of them.
func TestRecordsAreFewObjects(t *testing.T) {
	const records, nodes, most = 1000, 20, 15
	j := New(Options{})
	before := heapObjects()
	for n := range records {
		id := fmt.Sprintf("exec-%026d", n)
		r := &journal.Record{Summary: journal.Summary{ID: id, AcceptedAt: time.Now()}}
		for range nodes {
			value := journal.Value{Text: strings.Repeat("1", 100)}
			r.Nodes = append(r.Nodes, journal.NodeRecord{ID: "n", Input: value, Output: value, Logs: []string{"line"}})
		}
		if err := j.Put(t.Context(), journal.Ended{Record: r, Source: &journal.Entry{ID: id, Data: make([]byte, 100)}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := (heapObjects() - before) / records; got > most {
		t.Errorf("a record of %d nodes takes %d objects, more than %d", nodes, got, most)
	}
	if r, err := j.Get(t.Context(), fmt.Sprintf("exec-%026d", 7)); err != nil || len(r.Nodes) != nodes {
		t.Errorf("reading one of them: %+v, %v", r, err)
	}
}

// TestRecordsTakeWhatIsCounted checks that a journal full of records takes about as much of the
// heap as its bound says, whatever the records consist of.
func TestRecordsTakeWhatIsCounted(t *testing.T) {
	value := journal.Value{Text: strings.Repeat("1", 100)}
	for name, c := range map[string]struct {
		records int
		source  func() *journal.Entry
	}{
		"events":    {MaxRecords, func() *journal.Entry { return &journal.Entry{Data: make([]byte, 4<<10)} }},
		"revisions": {100, func() *journal.Entry { return &journal.Entry{Document: make([]byte, 1<<20)} }},
	} {
		t.Run(name, func(t *testing.T) {
			j := New(Options{})
			before := heapBytes()
			for n := range c.records {
				id := fmt.Sprintf("exec-%026d", n)
				r := &journal.Record{Summary: journal.Summary{ID: id, AcceptedAt: time.Now()}}
				for range 3 {
					r.Nodes = append(r.Nodes, journal.NodeRecord{ID: "n", Input: value, Output: value})
				}
				if err := j.Put(t.Context(), journal.Ended{Record: r, Source: c.source()}); err != nil {
					t.Fatal(err)
				}
			}
			took := heapBytes() - before
			if kept := len(j.records.byID); took > MaxRecordBytes*5/4 || took < MaxRecordBytes/2 {
				t.Errorf("%d records of %d take %d bytes of the heap, of %d", kept, c.records, took, MaxRecordBytes)
			}
			runtime.KeepAlive(j)
		})
	}
}

// TestDocumentsCountOnce checks that records of one revision count its document together, and no
// longer than they are kept.
func TestDocumentsCountOnce(t *testing.T) {
	j := New(Options{})
	put := func(id string, document []byte) {
		t.Helper()
		r := &journal.Record{Summary: journal.Summary{ID: id, AcceptedAt: time.Now()}}
		if err := j.Put(t.Context(), journal.Ended{Record: r, Source: &journal.Entry{Document: document}}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(ids ...string) {
		t.Helper()
		if !slices.Equal(j.records.ids, ids) {
			t.Fatalf("records %v, want %v", j.records.ids, ids)
		}
	}
	first, second := make([]byte, MaxRecordBytes*2/3), make([]byte, MaxRecordBytes*2/3)
	put("a", first)
	put("b", first)
	put("b", first) // in its own place
	want("a", "b")
	put("c", second)
	want("c")
	if len(j.records.documents) != 1 || j.records.bytes > MaxRecordBytes {
		t.Errorf("%d documents and %d bytes are counted", len(j.records.documents), j.records.bytes)
	}
	put("c", nil)
	if len(j.records.documents) != 0 || j.records.bytes > 2<<10 {
		t.Errorf("without a document: %d documents and %d bytes are counted", len(j.records.documents), j.records.bytes)
	}
}

// heapBytes returns the number of bytes that are in use.
func heapBytes() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// heapObjects returns the number of objects that are in use.
func heapObjects() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapObjects)
}
