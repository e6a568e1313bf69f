package memory

import (
	"fmt"
	"runtime"
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
// heap as its bound says.
func TestRecordsTakeWhatIsCounted(t *testing.T) {
	j := New(Options{})
	before := heapBytes()
	value := journal.Value{Text: strings.Repeat("1", 100)}
	put := 0
	for ; put < MaxRecords && len(j.records.byID) == put; put++ {
		id := fmt.Sprintf("exec-%026d", put)
		r := &journal.Record{Summary: journal.Summary{ID: id, AcceptedAt: time.Now()}}
		for range 3 {
			r.Nodes = append(r.Nodes, journal.NodeRecord{ID: "n", Input: value, Output: value})
		}
		if err := j.Put(t.Context(), journal.Ended{Record: r, Source: &journal.Entry{ID: id, Data: make([]byte, 4<<10)}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(j.records.byID) == put {
		t.Fatalf("%d records of 5 KB were kept, which is no bound of bytes", put)
	}
	if got, most := heapBytes()-before, MaxRecordBytes*5/4; got > most {
		t.Errorf("%d records take %d bytes of the heap, more than %d", len(j.records.byID), got, most)
	}
	runtime.KeepAlive(j)
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
