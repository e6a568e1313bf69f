package bbolt

import (
	"bytes"
	"context"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// maxScanned is the most rows that one transaction reads: pages are not reused while it is open.
const maxScanned = 4096

// List reads a page, in as many short transactions as it takes. It reads nothing outside the range
// of the query's ids. Within it, a filter that matches few rows reads all of them.
func (j *Journal) List(ctx context.Context, q journal.Query) (journal.Page, error) {
	first, end, err := q.Range()
	if err != nil {
		return journal.Page{}, err
	}
	l := listing{journal: j, query: q, first: []byte(first), before: end}
	for !l.done {
		if err := ctx.Err(); err != nil {
			return journal.Page{}, err
		}
		if err := j.view(l.scan); err != nil {
			return journal.Page{}, err
		}
	}
	return l.page, nil
}

// listing is the state of a List.
type listing struct {
	journal *Journal
	query   journal.Query
	first   []byte // the id that ends the list
	before  string // the id that was read last, or the end of the range; "" = none
	page    journal.Page
	done    bool
}

// scan reads the next rows. Entries that have not ended and records are two lists in the same
// order.
func (l *listing) scan(tx *bolt.Tx) error {
	live := descend(tx.Bucket(bucketLive).Cursor(), []byte(l.before))
	ended := newPartCursor(tx, l.before)
	for range maxScanned {
		var id []byte
		var row func() (journal.Summary, bool, error)
		switch {
		case live.key == nil && ended.key == nil:
			l.done = true
			return nil
		case bytes.Compare(live.key, ended.key) > 0: // nil sorts first
			id, row = live.key, func() (journal.Summary, bool, error) { return l.liveRow(live.key, live.value) }
		default:
			id, row = ended.key, func() (journal.Summary, bool, error) {
				if l.journal.isExpired(string(ended.key)) {
					return journal.Summary{}, false, nil
				}
				s, shown := l.endedRow(ended.records, ended.key, ended.value)
				return s, shown, nil
			}
		}
		if bytes.Compare(id, l.first) < 0 {
			l.done = true
			return nil
		}
		s, shown, err := row()
		if err != nil {
			return err
		}
		if shown {
			if len(l.page.Rows) == l.query.PageSize() {
				l.page.Next, l.done = l.before, true
				return nil
			}
			l.page.Rows = append(l.page.Rows, s)
		}
		l.before = string(id)
		if live.key != nil && string(live.key) == l.before {
			live.next()
		} else {
			ended.next()
		}
	}
	return nil
}

func (l *listing) liveRow(id, v []byte) (journal.Summary, bool, error) {
	s, err := readLive(string(id), v)
	s.Status = l.journal.statusOf(s.ID)
	return s, l.query.Fits(&s), err
}

func (l *listing) endedRow(records values, id, v []byte) (s journal.Summary, shown bool) {
	r := reader{}
	var workflow, status, summary []byte
	// the head is enough in most cases
	for _, read := range []func([]byte) ([]byte, error){records.head, records.whole} {
		b, err := read(v)
		r = reader{rest: b, err: err}
		if workflow, status, summary = r.bytes(), r.bytes(), r.bytes(); r.err == nil {
			break
		}
	}
	if r.err == nil {
		if !l.mayFit(workflow, status, summary) {
			return s, false
		}
		s, r.err = decodeSummary(summary)
	}
	if r.err != nil {
		s = damagedRecord(string(id)).Summary
	}
	return s, l.query.Fits(&s)
}

// damagedRecord takes the place of a record that cannot be read, so that the others can be.
func damagedRecord(id string) *journal.Record {
	r := new(journal.Record)
	r.ID = id
	r.AcceptedAt, _ = journal.IDTime(id)
	r.Outcome = journal.Outcome{Status: journal.Failed, Code: "record_damaged", Message: "the record in the journal is damaged"}
	return r
}

// mayFit reports whether a row may fit the query by what is cheap to read. Decoding a summary is
// not: where few rows have the source, only those are decoded.
func (l *listing) mayFit(workflow, status, summary []byte) bool {
	q := &l.query
	return (q.Workflow == "" || q.Workflow == string(workflow)) &&
		(len(q.Statuses) == 0 || slices.ContainsFunc(q.Statuses, func(s string) bool { return s == string(status) })) &&
		(q.Source == "" || bytes.Contains(summary, []byte(q.Source)))
}

// descending iterates over a bucket from the end. key is nil at its beginning.
type descending struct {
	cursor     *bolt.Cursor
	key, value []byte
}

// descend starts before a key, or at the end if it is empty.
func descend(c *bolt.Cursor, before []byte) *descending {
	d := &descending{cursor: c}
	if len(before) == 0 {
		d.key, d.value = c.Last()
		return d
	}
	if k, _ := c.Seek(before); k == nil {
		d.key, d.value = c.Last()
	} else {
		d.next()
	}
	return d
}

func (d *descending) next() { d.key, d.value = d.cursor.Prev() }

// partCursor iterates over the records of all partitions from the end.
type partCursor struct {
	tx      *bolt.Tx
	parts   *descending
	records values // of the partition
	descending
}

func newPartCursor(tx *bolt.Tx, before string) *partCursor {
	p := &partCursor{tx: tx}
	var end []byte
	if before != "" {
		hour, _ := hourOf(before) // an id: see Query.Range
		end = hourKey(hour + 1)
	}
	p.parts = descend(tx.Bucket(bucketParts).Cursor(), end)
	p.openLast([]byte(before))
	return p
}

// openLast moves to the last record of this partition, or of the closest earlier one that has any.
func (p *partCursor) openLast(before []byte) {
	for ; p.parts.key != nil; p.parts.next() {
		p.records = partOf(p.tx.Bucket(bucketParts).Bucket(p.parts.key)).records
		p.descending = *descend(p.records.short.open().Cursor(), before)
		if p.key != nil {
			return
		}
		before = nil
	}
	p.key, p.value = nil, nil
}

func (p *partCursor) next() {
	p.descending.next()
	if p.key == nil && p.parts.key != nil {
		p.parts.next()
		p.openLast(nil)
	}
}
