package memory

import (
	"context"
	"slices"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// records are the records of ended executions, within Retention, MaxRecords and MaxRecordBytes.
type records struct {
	ids   []string // sorted
	byID  map[string]journal.Ended
	bytes int
}

func (r *records) put(e journal.Ended) {
	id := e.Record.ID
	if old, there := r.byID[id]; there {
		r.bytes -= recordBytes(old)
	} else {
		at, _ := slices.BinarySearch(r.ids, id)
		r.ids = slices.Insert(r.ids, at, id)
	}
	r.byID[id] = e
	r.bytes += recordBytes(e)
	gone := 0
	for _, oldest := range r.ids {
		if len(r.byID) <= MaxRecords && r.bytes <= MaxRecordBytes && !isExpired(r.byID[oldest]) {
			break
		}
		r.bytes -= recordBytes(r.byID[oldest])
		delete(r.byID, oldest)
		gone++
	}
	r.ids = slices.Delete(r.ids, 0, gone)
}

// get returns a record that is shown.
func (r *records) get(id string) (journal.Ended, bool) {
	e, ok := r.byID[id]
	return e, ok && !isExpired(e)
}

// isExpired reports whether the retention of a record is over.
func isExpired(e journal.Ended) bool {
	at := e.Record.AcceptedAt
	return !at.IsZero() && time.Since(at) > Retention
}

// recordBytes returns about how many bytes a record takes.
func recordBytes(e journal.Ended) int {
	n := 1 << 10
	if t := e.Record.Trigger; t != nil {
		n += len(t.Data.Text) + len(t.Headers.Text)
	}
	for i := range e.Record.Nodes {
		row := &e.Record.Nodes[i]
		n += len(row.Input.Text) + len(row.Fixed.Text) + len(row.Output.Text)
		for _, line := range row.Logs {
			n += len(line)
		}
		for _, c := range row.Calls {
			for _, h := range c.Host {
				n += len(h.Request.Text) + len(h.Answer.Text)
			}
		}
	}
	if s := e.Source; s != nil {
		n += len(s.Data) + len(s.Query) + len(s.Headers)
	}
	return n
}

// Put stores records.
func (j *Journal) Put(_ context.Context, ended ...journal.Ended) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return journal.ErrClosed
	}
	for _, e := range ended {
		j.records.put(e)
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
	if e, ok := j.records.get(id); ok {
		r := *e.Record
		return &r, nil
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
	for _, e := range j.records.byID {
		if !isExpired(e) {
			rows = append(rows, e.Record.Summary)
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
	if e, ok := j.records.get(id); ok && e.Source != nil {
		entry := *e.Source
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
		if _, ended := j.records.get(id); ended {
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
	j.end(live, &journal.Record{Summary: s})
	return nil
}

// end replaces an entry by its record. The caller holds the lock.
func (j *Journal) end(live *liveEntry, r *journal.Record) {
	delete(j.live, live.entry.ID)
	j.usage.add(live.entry.Workflow, -1, -live.bytes)
	source := *live.entry
	source.Steps, source.Key = nil, nil
	j.records.put(journal.Ended{Record: r, Source: &source})
	j.writes++
}
