package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/internal/recordjson"
)

// recordRow is a record as it is stored.
type recordRow struct {
	hour                         uint32
	id, workflow, status, source string
	summary, details             []byte
}

// details are the parts of a record that are not in its summary. They are stored apart from it, so
// that a list need not read them.
type details struct {
	Trigger *journal.Trigger     `json:"trigger,omitempty"`
	Nodes   []journal.NodeRecord `json:"nodes,omitempty"`
	Cut     bool                 `json:"cut,omitempty"`
}

func newRecordRow(r *journal.Record) (recordRow, error) {
	hour, err := hourOf(r.ID)
	if err != nil {
		return recordRow{}, fmt.Errorf("%w: %q", err, r.ID)
	}
	return recordRowIn(hour, r)
}

func recordRowIn(hour uint32, r *journal.Record) (row recordRow, err error) {
	row = recordRow{hour: hour, id: r.ID, workflow: r.Workflow, status: r.Status, source: r.Source}
	if err := recordjson.Encode(r, func(summary, details []byte) {
		both := slices.Concat(summary, details)
		row.summary, row.details = both[:len(summary):len(summary)], both[len(summary):]
	}); err != nil {
		return row, err
	}
	return row, nil
}

// args are the parameters $1 to $7 of statements that insert a record.
func (r recordRow) args() []any {
	return []any{r.id, int32(r.hour), r.workflow, r.status, r.source, r.summary, r.details}
}

const (
	recordColumns = "(hour, id, workflow, status, source, summary, details, holder, run)"
	recordValues  = "$2::integer, $1::text, $3::text, $4::text, $5::text, $6::bytea, $7::bytea"
	recordUpdate  = ` on conflict (hour, id) do update set workflow = excluded.workflow, status = excluded.status, source = excluded.source,
		summary = excluded.summary, details = excluded.details, holder = excluded.holder, run = excluded.run`
)

// replaceByRecord replaces an entry by its record, if it is as a condition says.
func replaceByRecord(condition string) string {
	return `with gone as (delete from {s}.pending_{h} where id = $1 and ` + condition + ` returning holder, run),
		record as (insert into {s}.records_{h} ` + recordColumns + ` select ` + recordValues + `, holder, run from gone` + recordUpdate + `),
		steps as (delete from {s}.steps_{h} where id = $1 and exists(select from gone))`
}

// Put stores records in one transaction.
func (j *Journal) Put(ctx context.Context, ended ...journal.Ended) error {
	rows := make([]recordRow, len(ended))
	for i, e := range ended {
		var err error
		r := *e.Record
		r.Machine = j.options.Machine
		if rows[i], err = newRecordRow(&r); err != nil {
			return err
		}
	}
	// The operation knows one hour, whose tables it creates.
	for _, row := range rows {
		if err := j.checkReady(); err != nil {
			return err
		}
		if err := j.ensureHour(ctx, row.hour); err != nil {
			return j.unavailable(err)
		}
	}
	o := &operation{}
	o.queue = func(b *pgx.Batch) {
		for i, row := range rows {
			if e := ended[i].Source; e != nil {
				digest := sha256.Sum256(e.Document)
				queueDocument(j, b, row.hour, digest, e.Document)
				b.Queue(j.sql("insert into {s}.entries_{h} (hour, id, origin, seq, "+entryColumns+`)
					values ($1::integer, $2::text, 0, 0, `+entryValues(3)+") on conflict do nothing", row.hour),
					append([]any{int32(row.hour), e.ID}, entryArgs(e, digest)...)...)
			}
			b.Queue(j.sql("insert into {s}.records_{h} "+recordColumns+" values ("+recordValues+", null, null)"+recordUpdate, row.hour), row.args()...)
		}
	}
	return j.do(ctx, o)
}

// oldest returns the id below which the retention of ended executions is over.
func (j *Journal) oldest() string {
	first, _, _ := journal.Query{From: j.Now().Add(-j.limits.Load().Retention)}.Range()
	return first
}

// pendingRows selects what pendingSummary takes.
const pendingRows = `select p.id, e.workflow, e.revision, e.accepted, e.replay_of, e.source, p.holder is not null, coalesce(m.name, '')
	from {s}.pending p join {s}.entries e on e.hour = p.hour and e.id = p.id left join {s}.machines m on m.incarnation = p.origin`

// pendingSummary reads the row of an entry that has not ended.
func pendingSummary(row pgx.CollectableRow) (journal.Summary, error) {
	var s journal.Summary
	var accepted int64
	var running bool
	err := row.Scan(&s.ID, &s.Workflow, &s.Revision, &accepted, &s.ReplayOf, &s.Source, &running, &s.Machine)
	s.AcceptedAt = timeOf(accepted)
	if s.Status = journal.Pending; running {
		s.Status = journal.Running
	}
	return s, err
}

// readTime bounds a read.
const readTime = 4 * time.Second

// readable returns the hour of an id; journal.ErrUnknown if there can be nothing with it.
func (j *Journal) readable(ctx context.Context, id string) (uint32, error) {
	if err := j.checkReady(); err != nil {
		return 0, err
	}
	hour, err := hourOf(id)
	if err != nil {
		return 0, journal.ErrUnknown
	}
	there, err := j.hourExists(ctx, hour)
	if err == nil && !there {
		return 0, journal.ErrUnknown
	}
	return hour, j.unavailable(err)
}

// Get reads a record.
func (j *Journal) Get(ctx context.Context, id string) (*journal.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	hour, err := j.readable(ctx, id)
	if err != nil {
		return nil, err
	}
	// What ends between the first two is found by the third.
	r, err := j.getEnded(ctx, hour, id)
	if err == nil && r == nil {
		if r, err = j.getLive(ctx, hour, id); err == nil && r == nil {
			r, err = j.getEnded(ctx, hour, id)
		}
	}
	switch {
	case err != nil:
		return nil, j.unavailable(err)
	case r == nil:
		return nil, journal.ErrUnknown
	}
	return r, nil
}

// getEnded reads the record of an ended execution; nil if there is none.
func (j *Journal) getEnded(ctx context.Context, hour uint32, id string) (*journal.Record, error) {
	var summary, more []byte
	err := j.pool.QueryRow(ctx, j.sql("select summary, details from {s}.records where hour = $1 and id = $2 and id >= $3", 0),
		int32(hour), id, j.oldest()).Scan(&summary, &more)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeRecord(id, summary, more), nil
}

// getLive reads what is known of an entry that has not ended; nil if there is none.
func (j *Journal) getLive(ctx context.Context, hour uint32, id string) (*journal.Record, error) {
	rows, err := j.pool.Query(ctx, j.sql(pendingRows+" where p.hour = $1 and p.id = $2", 0), int32(hour), id)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pendingSummary)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	r := &journal.Record{Summary: found[0]}
	if j.heldAhead(id) != nil {
		r.Status = journal.Pending
	}
	return r, nil
}

// decodeRecord decodes a record. In place of one that was changed by hand there is one that says
// so.
func decodeRecord(id string, summary, more []byte) *journal.Record {
	var r journal.Record
	var d details
	if json.Unmarshal(summary, &r.Summary) != nil || r.ID != id || json.Unmarshal(more, &d) != nil {
		return damagedRecord(id)
	}
	r.Trigger, r.Nodes, r.Cut = d.Trigger, d.Nodes, d.Cut
	return &r
}

func damagedRecord(id string) *journal.Record {
	r := new(journal.Record)
	r.ID = id
	r.AcceptedAt, _ = journal.IDTime(id)
	r.Outcome = journal.Outcome{Status: journal.Failed, Code: "record_damaged", Message: "the record in the journal is damaged"}
	return r
}

// Source reads the entry that an ended execution was run from.
func (j *Journal) Source(ctx context.Context, id string) (*journal.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	hour, err := j.readable(ctx, id)
	if err != nil {
		return nil, err
	}
	var pending bool
	if err := j.pool.QueryRow(ctx, j.sql("select exists(select from {s}.pending_{h} where id = $1)", hour), id).Scan(&pending); hasCode(err, codeNoTable) {
		j.hours.Delete(hour) // another machine has dropped it
		return nil, journal.ErrUnknown
	} else if err != nil {
		return nil, j.unavailable(err)
	}
	if pending {
		return nil, journal.ErrNotEnded
	}
	if id < j.oldest() {
		return nil, journal.ErrUnknown
	}
	e, err := scanEntry(j.pool.QueryRow(ctx, j.sql(selectEntry+"$1", hour), id))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, journal.ErrUnknown
	}
	if err != nil {
		return nil, j.unavailable(err)
	}
	e.Source = ""
	return e, nil
}

// cancelledRecord returns the record of an entry that was cancelled before it ran.
func cancelledRecord(s journal.Summary) (recordRow, error) {
	s.Status, s.EndedAt = journal.Cancelled, time.Now().UTC()
	return newRecordRow(&journal.Record{Summary: s})
}

// Cancel ends a pending entry, or marks a claimed one so that its holder ends it, on whichever
// machine that is.
func (j *Journal) Cancel(ctx context.Context, id string) error {
	r, err := j.Get(ctx, id)
	if err != nil {
		return err
	}
	row, err := cancelledRecord(r.Summary)
	if err != nil {
		return err
	}
	c := j.takeAhead(id)
	if c == nil {
		return j.cancel(ctx, row, 0)
	}
	if err := j.cancel(ctx, row, c.held.incarnation); err != nil {
		j.enqueue(c)
		return err
	}
	return nil
}

// takeAhead takes an entry that nobody here works on yet from the queue; nil if there is none.
func (j *Journal) takeAhead(id string) *candidate {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.candidates[id]
	if c == nil || c.held == nil {
		return nil
	}
	j.drop(c)
	return c
}

// cancel ends an entry that nobody or an incarnation holds, or marks one that another one holds.
func (j *Journal) cancel(ctx context.Context, row recordRow, holder int64) error {
	var ended, marked int
	o := &operation{hour: row.hour, names: []string{row.id}}
	o.queue = func(b *pgx.Batch) {
		b.Queue(j.sql(replaceByRecord("coalesce(holder, $8::bigint) = $8")+`,
			marked as (update {s}.pending_{h} set cancelled = true where id = $1 and holder <> $8 returning 1)
			select (select count(*) from gone), (select count(*) from marked)`, row.hour), append(row.args(), holder)...).
			QueryRow(func(found pgx.Row) error {
				err := found.Scan(&ended, &marked)
				if err == nil && ended+marked == 0 {
					o.result = journal.ErrEnded
				}
				return err
			})
	}
	o.committed = func(error, bool) {
		if ended > 0 {
			j.recount.Store(true)
		}
	}
	return j.do(ctx, o)
}
