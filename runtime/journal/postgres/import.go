package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// Import implements journal.Portable. Each item is stored together with its place, by a statement
// that does nothing if the move has come to that place before. So the committer can repeat it, and
// so can others at the same time.
func (j *Journal) Import(ctx context.Context, move string, items []journal.Item) (journal.Progress, error) {
	var p journal.Progress
	err := whileAway(ctx, func() (err error) {
		p, err = j.progressOf(ctx, move)
		return err
	})
	if err != nil {
		return p, err
	}
	first := 0
	for first < len(items) && items[first].Place() <= p.Place {
		first++
	}
	items = items[first:]
	if len(items) == 0 {
		return p, nil
	}
	i, err := j.newImporting(move, items)
	if err != nil {
		return p, err
	}
	i.before = p
	for _, hour := range i.hours() {
		if err := whileAway(ctx, func() error { return j.unavailable(j.explainRights(j.ensureHour(ctx, hour))) }); err != nil {
			return p, err
		}
	}
	err = j.do(ctx, i.operation())
	switch {
	case err == nil:
		select {
		case j.look <- struct{}{}: // others find what was stored by themselves
		default:
		}
		return i.progress, i.stopped
	case isOfData(err) && len(items) > 1: // those before the one that the server rejects are stored
		for n := range items {
			if p, err = j.Import(ctx, move, items[n:n+1]); err != nil {
				break
			}
		}
	}
	return p, err
}

// whileAway repeats what needs the database, as the committer does, until that answers or retryTime
// is over.
func whileAway(ctx context.Context, f func() error) error {
	pause := newPause()
	for began := time.Now(); ; {
		err := f()
		if !errors.Is(err, journal.ErrUnavailable) || errors.Is(err, ErrNoRight) || time.Since(began) >= retryTime || pause.Wait(ctx) != nil {
			return err
		}
	}
}

// progressColumns are the columns of moves that scanProgress reads.
const progressColumns = `place, keys_stored, keys_present, keys_expired, records_stored, records_present, records_expired,
	pending_stored, pending_present`

func scanProgress(row pgx.Row) (p journal.Progress, err error) {
	err = row.Scan(&p.Place, &p.Keys.Stored, &p.Keys.Present, &p.Keys.Expired, &p.Records.Stored, &p.Records.Present, &p.Records.Expired,
		&p.Pending.Stored, &p.Pending.Present)
	return p, err
}

// progressOf reads how far a move has come.
func (j *Journal) progressOf(ctx context.Context, move string) (p journal.Progress, err error) {
	if err := j.checkReady(); err != nil {
		return p, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	p, err = scanProgress(j.pool.QueryRow(ctx, j.sql("select "+progressColumns+" from {s}.moves where move = $1", 0), move))
	if errors.Is(err, pgx.ErrNoRows) {
		return p, nil
	}
	return p, j.unavailable(err)
}

// importing are items on their way into the database.
type importing struct {
	journal  *Journal
	move     string
	items    []importItem
	before   journal.Progress
	progress journal.Progress
	stopped  error // why the rest of the items is not stored
}

// importItem is an item as it is stored.
type importItem struct {
	journal.Item
	hour   uint32       // 0 = it is not of one
	key    *reservation // of a key
	record recordRow    // of a record
	seq    int64        // of an entry that has not ended
	room   amount
}

// entry returns what the item is run from; nil = nothing.
func (i *importItem) entry() *journal.Entry {
	if i.Record != nil {
		return i.Record.Source
	}
	return i.Pending
}

func (j *Journal) newImporting(move string, items []journal.Item) (*importing, error) {
	out := &importing{journal: j, move: move, items: make([]importItem, len(items))}
	for n := range items {
		i := &out.items[n]
		i.Item = items[n]
		var err error
		switch {
		case i.Key != nil:
			k := i.Key
			i.key = &reservation{journal.Reservation{ID: k.ID, Workflow: k.Workflow, Key: journal.Key{Response: notNil(k.Response)}}, k.Name}
		case i.Record != nil:
			i.record, err = newRecordRow(i.Record.Record)
			i.hour = i.record.hour
		default:
			if i.hour, err = hourOf(i.Pending.ID); err != nil {
				err = fmt.Errorf("%w: %q", err, i.Pending.ID)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// isExpired reports whether a record is not stored any more. Keys are judged by the clock of the
// database.
func (o *importing) isExpired(i *importItem) bool {
	return i.Record != nil && i.record.id < o.journal.oldest()
}

// hours returns the hours whose tables the items need.
func (o *importing) hours() (hours []uint32) {
	known := make(map[uint32]bool)
	for n := range o.items {
		if i := &o.items[n]; i.hour > 0 && !known[i.hour] && !o.isExpired(i) {
			known[i.hour] = true
			hours = append(hours, i.hour)
		}
	}
	return hours
}

func (o *importing) operation() *operation {
	op := &operation{hours: o.hours(), names: []string{"move " + o.move}, check: o.check}
	op.queue = func(b *pgx.Batch) { o.queue(op, b) }
	op.committed = o.committed
	return op
}

// check reserves the room of the items, up to the first one that does not fit in.
func (o *importing) check() error {
	j := o.journal
	for n := range o.items {
		i := &o.items[n]
		i.room = o.roomOf(i)
		if o.stopped = j.checkUsage(i.workflow(), i.room); o.stopped != nil {
			o.items = o.items[:n]
			break
		}
		j.usage.add(i.workflow(), i.room)
		i.seq = j.seq.Add(1) // in the order of transactions, see poll
	}
	if len(o.items) == 0 {
		return o.stopped
	}
	return nil
}

// workflow returns whose limits an item counts for.
func (i *importItem) workflow() string {
	switch {
	case i.Key != nil:
		return i.Key.Workflow
	case i.Pending != nil:
		return i.Pending.Workflow
	}
	return ""
}

// roomOf returns what an item takes of the limits.
func (o *importing) roomOf(i *importItem) amount {
	switch {
	case i.Key != nil && i.Key.Until.After(time.Now()):
		return i.key.room(o.journal)
	case i.Pending != nil:
		return amount{pending: 1, work: entryBytes(i.Pending)}
	}
	return amount{}
}

// queue adds a statement for each item. The row of the move is locked by the first one.
func (o *importing) queue(op *operation, b *pgx.Batch) {
	j := o.journal
	b.Queue(j.sql(`insert into {s}.moves (move) select $1::text where not exists(select from {s}.moves where move = $1)
		and (select count(*) from {s}.moves) < $2 on conflict do nothing`, 0), o.move, journal.MaxMoves)
	b.Queue(j.sql("select from {s}.moves where move = $1 for update", 0), o.move)
	documents := make(map[[sha256.Size]byte]uint32)
	evict := make(map[string]*reservation)
	for n := range o.items {
		i := &o.items[n]
		if o.isExpired(i) {
			b.Queue(j.sql("update {s}.moves set place = $2, records_expired = records_expired + 1 where move = $1 and place < $2", 0), o.move, i.Place())
			continue
		}
		var digest [sha256.Size]byte
		if e := i.entry(); e != nil {
			if digest = sha256.Sum256(e.Document); documents[digest] != i.hour {
				documents[digest] = i.hour
				queueDocument(j, b, i.hour, digest, e.Document)
			}
		}
		switch {
		case i.Key != nil:
			o.queueKey(b, i)
			evict[i.Key.Workflow] = i.key
		case i.Record != nil:
			o.queueRecord(b, i, digest)
		default:
			o.queuePending(b, i, digest)
		}
	}
	for _, key := range evict {
		key.queueEvict(j, b)
	}
	b.Queue(j.sql("select "+progressColumns+" from {s}.moves where move = $1", 0), o.move).QueryRow(func(row pgx.Row) (err error) {
		o.progress, err = scanProgress(row)
		if errors.Is(err, pgx.ErrNoRows) {
			op.result = fmt.Errorf("%w: it has taken part of %d moves", journal.ErrTooManyMoves, journal.MaxMoves)
			return nil
		}
		return err
	})
}

// todo is the beginning of an item's statement: it finds a row if the move $1 has not come to the
// place $2.
const todo = "with todo as materialized (select from {s}.moves where move = $1::text and place < $2::text), "

// count is the end of an item's statement: it counts what was stored, or was there.
func count(kind string) string {
	return "update {s}.moves set place = $2, " + kind + "_stored = " + kind + "_stored + (select count(*) from new), " +
		kind + "_present = " + kind + "_present + 1 - (select count(*) from new) where move = $1 and place < $2"
}

func (o *importing) queueKey(b *pgx.Batch, i *importItem) {
	k, j := i.Key, o.journal
	b.Queue(j.sql(todo+`live as materialized (select from todo where $3::timestamptz > clock_timestamp()),
		new as (insert into {s}.keys as k (key, workflow, digest, until, id, response, stored)
			select $4::bytea, $5::text, $6::bytea, $3, $7::text, $8::bytea, `+now+` from live
			on conflict (key) do update set workflow = excluded.workflow, digest = excluded.digest, until = excluded.until, id = excluded.id,
				holder = null, response = excluded.response, stored = excluded.stored
			where `+isFree+` returning 1)
		update {s}.moves set place = $2, keys_stored = keys_stored + (select count(*) from new),
			keys_present = keys_present + (select count(*) from live) - (select count(*) from new),
			keys_expired = keys_expired + 1 - (select count(*) from live) where move = $1 and place < $2`, 0),
		o.move, i.Place(), k.Until, k.Name[:], k.Workflow, k.Digest[:], k.ID, i.key.Key.Response)
}

func (o *importing) queueRecord(b *pgx.Batch, i *importItem, digest [sha256.Size]byte) {
	r, j := i.record, o.journal
	args := []any{o.move, i.Place(), r.id, int32(r.hour), r.workflow, r.status, r.source, r.summary, r.details}
	entry := ""
	if e := i.Record.Source; e != nil {
		entry = `entry as (insert into {s}.entries_{h} (hour, id, origin, seq, ` + entryColumns + `)
			select $4::integer, $3::text, 0, 0, ` + entryValues(len(args)+1) + ` from new on conflict do nothing) `
		args = append(args, entryArgs(e, digest)...)
		entry = ", " + entry
	}
	b.Queue(j.sql(todo+`new as (insert into {s}.records_{h} `+recordColumns+`
			select $4::integer, $3::text, $5::text, $6::text, $7::text, $8::bytea, $9::bytea, null, null from todo
			where not exists(select from {s}.pending_{h} where id = $3) on conflict do nothing returning 1)`+entry+" "+count("records"), r.hour), args...)
}

func (o *importing) queuePending(b *pgx.Batch, i *importItem, digest [sha256.Size]byte) {
	e, j := i.Pending, o.journal
	nodes, handles, outputs := []string{}, []string{}, [][]byte{}
	for _, s := range e.Steps {
		nodes, handles, outputs = append(nodes, s.Node), append(handles, s.Handle), append(outputs, notNil(s.Output))
	}
	args := []any{
		o.move, i.Place(), e.ID, int32(i.hour), j.incarnation.Load(), i.seq, entryBytes(e), int32(max(e.Deaths, 0)), nodes, handles, outputs,
		nanos(e.Began),
	}
	b.Queue(j.sql(todo+`new as (insert into {s}.entries_{h} (hour, id, origin, seq, `+entryColumns+`)
			select $4::integer, $3::text, $5::bigint, $6::bigint, `+entryValues(len(args)+1)+` from todo
			where not exists(select from {s}.records_{h} where id = $3) on conflict do nothing returning workflow, accepted),
		pending as (insert into {s}.pending_{h} (hour, id, origin, seq, workflow, accepted, bytes, deaths, began)
			select $4, $3, $5, $6, workflow, accepted, $7::bigint, $8::integer, nullif($12::bigint, 0) from new),
		step as (insert into {s}.steps_{h} (hour, id, node, seq, handle, output)
			select $4, $3, s.node, s.n - 1, s.handle, s.output from new,
				unnest($9::text[], $10::text[], $11::bytea[]) with ordinality s (node, handle, output, n) on conflict do nothing)
		`+count("pending"), i.hour), append(args, entryArgs(e, digest)...)...)
}

// committed gives back the room of what was not stored.
func (o *importing) committed(err error, _ bool) {
	j := o.journal
	if err != nil {
		for n := range o.items {
			j.usage.add(o.items[n].workflow(), o.items[n].room.negative())
		}
		return
	}
	stored := func(p journal.Progress) int { return p.Keys.Stored + p.Records.Stored + p.Pending.Stored }
	if stored(o.progress)-stored(o.before) != len(o.items) {
		j.recount.Store(true)
	}
}
