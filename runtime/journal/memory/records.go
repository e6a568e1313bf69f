package memory

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// records are the records of ended executions, within Retention, MaxRecords and MaxRecordBytes.
type records struct {
	ids       []string // sorted
	byID      map[string]*stored
	bytes     int
	documents map[document]int // how many records each has
}

// document is a workflow's document, which the executions of one revision share. A record keeps it
// in the heap also when its workflow has a newer one.
type document struct {
	first *byte
	bytes int
}

// stored is a record. What only its reader needs is text: as a tree of some thirty objects, each
// collection of garbage would look at all of them, for all records.
type stored struct {
	summary journal.Summary
	details []byte // JSON of the record without its summary
	source  *journal.Entry
}

// details are the parts of a record that are not in its summary.
type details struct {
	Trigger *journal.Trigger     `json:"trigger,omitempty"`
	Nodes   []journal.NodeRecord `json:"nodes,omitempty"`
	Cut     bool                 `json:"cut,omitempty"`
}

func newStored(e journal.Ended) (*stored, error) {
	text, err := json.Marshal(details{e.Record.Trigger, e.Record.Nodes, e.Record.Cut})
	if err != nil {
		return nil, fmt.Errorf("encoding a record: %w", err)
	}
	return &stored{summary: e.Record.Summary, details: text, source: e.Source}, nil
}

// record returns the record as it was stored.
func (s *stored) record() (*journal.Record, error) {
	var d details
	if err := json.Unmarshal(s.details, &d); err != nil {
		return nil, fmt.Errorf("decoding a record: %w", err)
	}
	return &journal.Record{Summary: s.summary, Trigger: d.Trigger, Nodes: d.Nodes, Cut: d.Cut}, nil
}

func (r *records) put(s *stored) {
	id := s.summary.ID
	if old, there := r.byID[id]; there {
		r.uncount(old)
	} else {
		at, _ := slices.BinarySearch(r.ids, id)
		r.ids = slices.Insert(r.ids, at, id)
	}
	r.byID[id] = s
	r.count(s)
	gone := 0
	for _, oldest := range r.ids {
		if len(r.byID) <= MaxRecords && r.bytes <= MaxRecordBytes && !r.byID[oldest].isExpired() {
			break
		}
		r.uncount(r.byID[oldest])
		delete(r.byID, oldest)
		gone++
	}
	r.ids = slices.Delete(r.ids, 0, gone)
}

func (r *records) count(s *stored) {
	r.bytes += s.size()
	if d := s.document(); d.bytes > 0 {
		if r.documents[d]++; r.documents[d] == 1 {
			r.bytes += d.bytes
		}
	}
}

func (r *records) uncount(s *stored) {
	r.bytes -= s.size()
	if d := s.document(); d.bytes > 0 {
		if r.documents[d]--; r.documents[d] == 0 {
			delete(r.documents, d)
			r.bytes -= d.bytes
		}
	}
}

// document returns the document that a record keeps; one without bytes is none.
func (s *stored) document() document {
	if s.source == nil || len(s.source.Document) == 0 {
		return document{}
	}
	return document{&s.source.Document[0], len(s.source.Document)}
}

// get returns a record that is shown, or nil.
func (r *records) get(id string) *stored {
	if s := r.byID[id]; s != nil && !s.isExpired() {
		return s
	}
	return nil
}

// isExpired reports whether the retention of a record is over.
func (s *stored) isExpired() bool {
	at := s.summary.AcceptedAt
	return !at.IsZero() && time.Since(at) > Retention
}

// size returns about how many bytes a record takes, without its document.
func (s *stored) size() int {
	n := 1<<10 + len(s.details)
	if e := s.source; e != nil {
		n += len(e.Data) + len(e.Query) + len(e.Headers)
	}
	return n
}

// Put stores records.
func (j *Journal) Put(_ context.Context, ended ...journal.Ended) error {
	all := make([]*stored, len(ended))
	for i, e := range ended {
		var err error
		if all[i], err = newStored(e); err != nil {
			return err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return journal.ErrClosed
	}
	for _, s := range all {
		j.records.put(s)
		j.writes++
	}
	return nil
}

// Get returns a record.
func (j *Journal) Get(_ context.Context, id string) (*journal.Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, journal.ErrClosed
	}
	if live := j.live[id]; live != nil {
		return &journal.Record{Summary: live.summary()}, nil
	}
	if s := j.records.get(id); s != nil {
		return s.record()
	}
	return nil, journal.ErrUnknown
}

// summary returns the row of an entry that has not ended. The caller holds the lock.
func (live *liveEntry) summary() journal.Summary {
	e := live.entry
	s := journal.Summary{
		ID: e.ID, Workflow: e.Workflow, Revision: e.Revision, AcceptedAt: e.AcceptedAt, ReplayOf: e.ReplayOf, Source: e.Source,
	}
	s.Status = journal.Pending
	if live.holder != nil {
		s.Status = journal.Running
	}
	return s
}

// List looks at all entries and records.
func (j *Journal) List(_ context.Context, q journal.Query) (journal.Page, error) {
	first, end, err := q.Range()
	if err != nil {
		return journal.Page{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return journal.Page{}, journal.ErrClosed
	}
	rows := make([]journal.Summary, 0, len(j.live)+len(j.records.ids))
	for _, live := range j.live {
		rows = append(rows, live.summary())
	}
	for _, s := range j.records.byID {
		if !s.isExpired() {
			rows = append(rows, s.summary)
		}
	}
	rows = slices.DeleteFunc(rows, func(s journal.Summary) bool {
		return s.ID < first || end != "" && s.ID >= end || !q.Fits(&s)
	})
	slices.SortFunc(rows, func(a, b journal.Summary) int {
		if a.ID > b.ID {
			return -1
		}
		return 1
	})
	limit := q.PageSize()
	if len(rows) <= limit {
		return journal.Page{Rows: rows}, nil
	}
	return journal.Page{Rows: rows[:limit], Next: rows[limit-1].ID}, nil
}

// Source returns the entry that an ended execution was run from.
func (j *Journal) Source(_ context.Context, id string) (*journal.Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, journal.ErrClosed
	}
	if j.live[id] != nil {
		return nil, journal.ErrNotEnded
	}
	if s := j.records.get(id); s != nil && s.source != nil {
		entry := *s.source
		entry.Source = ""
		return &entry, nil
	}
	return nil, journal.ErrUnknown
}

// Cancel ends a pending entry, or marks a leased one so that its holder ends it.
func (j *Journal) Cancel(_ context.Context, id string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return journal.ErrClosed
	}
	live := j.live[id]
	if live == nil {
		if j.records.get(id) != nil {
			return journal.ErrEnded
		}
		return journal.ErrUnknown
	}
	if live.holder != nil {
		live.cancelled = true
		return nil
	}
	if live.timer != nil {
		live.timer.Stop()
	}
	if live.queued != nil {
		j.queue.Remove(live.queued)
		live.queued = nil
	}
	s := live.summary()
	s.Status, s.EndedAt = journal.Cancelled, time.Now().UTC()
	r, err := live.ended(&journal.Record{Summary: s})
	if err != nil {
		return err
	}
	j.end(live, r)
	return nil
}

// ended returns the record that takes the place of an entry.
func (live *liveEntry) ended(r *journal.Record) (*stored, error) {
	source := *live.entry
	source.Steps, source.Key, source.Began = nil, nil, time.Time{}
	return newStored(journal.Ended{Record: r, Source: &source})
}

// end replaces an entry by its record. The caller holds the lock.
func (j *Journal) end(live *liveEntry, s *stored) {
	delete(j.live, live.entry.ID)
	j.usage.add(live.entry.Workflow, -1, -live.bytes)
	j.records.put(s)
	j.writes++
}
