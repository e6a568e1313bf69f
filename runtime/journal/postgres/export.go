package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// Bounds of what one Read returns.
const (
	maxReadItems = 256
	maxReadBytes = 1 << 20
)

// pageTime bounds a Read.
const pageTime = 30 * time.Second

var errDamaged = errors.New("it is damaged")

// Read implements journal.Sealed, in one short transaction.
func (s *sealed) Read(ctx context.Context, after string) ([]journal.Item, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	r := pageOfItems{journal: s.journal, after: after}
	err := pgx.BeginTxFunc(ctx, s.journal.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		// As for all transactions: see fence.
		if _, err := tx.Exec(ctx, `select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
			set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true), set_config('statement_timeout', $1, true)`,
			strconv.FormatInt(pageTime.Milliseconds(), 10)); err != nil {
			return err
		}
		return r.read(ctx, tx)
	})
	if err != nil {
		return nil, s.journal.describe(err)
	}
	return r.items, nil
}

// pageOfItems is the state of a Read.
type pageOfItems struct {
	journal *Journal
	after   string
	items   []journal.Item
	bytes   int64
}

func (r *pageOfItems) add(i journal.Item, size int64) {
	r.items = append(r.items, i)
	r.bytes += size
}

func (r *pageOfItems) full() bool { return len(r.items) >= maxReadItems || r.bytes >= maxReadBytes }

func (r *pageOfItems) read(ctx context.Context, tx pgx.Tx) error {
	for _, kind := range []struct {
		of   journal.Item
		read func(ctx context.Context, tx pgx.Tx, after string) error
	}{
		{journal.Item{Key: new(journal.MovedKey)}, r.keys},
		{journal.Item{Record: &journal.Ended{Record: new(journal.Record)}}, r.records},
		{journal.Item{Pending: new(journal.Entry)}, r.pending},
	} {
		first := kind.of.Place()[:1]
		if r.full() || len(r.after) > 0 && r.after[:1] > first {
			continue
		}
		after := ""
		if len(r.after) > 0 && r.after[:1] == first {
			after = r.after[1:]
		}
		if err := kind.read(ctx, tx, after); err != nil {
			return err
		}
	}
	return nil
}

// most completes a statement that selects rows with their size: it selects the first of them, until
// they are large enough. $1 and $2 bound it.
func most(rows, order string) string {
	return "select * from (select q.*, sum(size) over (order by " + order + ") - size as before from (" + rows +
		" order by " + order + " limit $1) q) q where before < $2 order by " + order
}

// room returns the arguments of most.
func (r *pageOfItems) room() []any { return []any{maxReadItems - len(r.items), maxReadBytes - r.bytes} }

// keys reads keys with their responses.
func (r *pageOfItems) keys(ctx context.Context, tx pgx.Tx, after string) error {
	until, name := time.Unix(0, 0), []byte{}
	if after != "" {
		var err error
		if until, name, err = keyPlaceOf(after); err != nil {
			return fmt.Errorf("%w: a place %q", journal.ErrBadCursor, after)
		}
	}
	rows, err := tx.Query(ctx, r.journal.sql(most(`select key, workflow, id, digest, until, response, length(response)::bigint + `+
		strconv.Itoa(keySpace)+` as size from {s}.keys
		where response is not null and holder is null and until > clock_timestamp() and (until, key) > ($3::timestamptz, $4::bytea)`, "until, key"), 0),
		append(r.room(), until, name)...)
	if err != nil {
		return err
	}
	var key, digest, response []byte
	var workflow, id string
	var size, before int64
	_, err = pgx.ForEachRow(rows, []any{&key, &workflow, &id, &digest, &until, &response, &size, &before}, func() error {
		k := &journal.MovedKey{Workflow: workflow, ID: id, Until: until.UTC(), Response: response}
		if copy(k.Name[:], key) != len(k.Name) || copy(k.Digest[:], digest) != len(k.Digest) || len(key)+len(digest) > 2*sha256.Size {
			return fmt.Errorf("the idempotency key %x: %w", key, errDamaged)
		}
		r.add(journal.Item{Key: k}, size)
		response = nil
		return nil
	})
	return err
}

// keyPlaceOf takes the place of a key apart, see journal.Item.
func keyPlaceOf(place string) (until time.Time, name []byte, err error) {
	const digits = 16
	if len(place) < digits {
		return until, nil, journal.ErrBadCursor
	}
	nanos, err := strconv.ParseUint(place[:digits], 16, 64)
	if err != nil {
		return until, nil, err
	}
	name, err = hex.DecodeString(place[digits:])
	return time.Unix(0, int64(nanos)), name, err
}

// hoursFrom returns the hours of which there are tables, from that of an id on.
func (r *pageOfItems) hoursFrom(ctx context.Context, tx pgx.Tx, id string) ([]uint32, error) {
	var first uint32
	if id != "" {
		var err error
		if first, err = hourOf(id); err != nil {
			return nil, fmt.Errorf("%w: a place %q", journal.ErrBadCursor, id)
		}
	}
	rows, err := tx.Query(ctx, `select substring(c.relname from 9)::bigint from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and c.relkind = 'r' and c.relname ~ '^records_[0-9]{1,9}$' and substring(c.relname from 9)::bigint >= $2 order by 1`,
		r.journal.options.Schema, int64(first))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uint32])
}

// records reads ended executions with what they can be rerun from.
func (r *pageOfItems) records(ctx context.Context, tx pgx.Tx, after string) error {
	hours, err := r.hoursFrom(ctx, tx, max(after, r.journal.oldest()))
	if err != nil {
		return err
	}
	for _, hour := range hours {
		if r.full() {
			break
		}
		if err := r.recordsOf(ctx, tx, hour, after); err != nil {
			return err
		}
	}
	return nil
}

func (r *pageOfItems) recordsOf(ctx context.Context, tx pgx.Tx, hour uint32, after string) error {
	rows, err := tx.Query(ctx, r.journal.sql(most(`select r.id, r.summary, r.details, (length(r.summary) + length(r.details) +
			coalesce(length(e.data) + length(e.query) + length(e.headers) + length(d.text), 0))::bigint as size
		from {s}.records_{h} r left join {s}.entries_{h} e on e.id = r.id left join {s}.documents_{h} d on d.digest = e.document
		where r.id > $3 and r.id >= $4`, "id"), hour), append(r.room(), after, r.journal.oldest())...)
	if err != nil {
		return err
	}
	var id string
	var summary, more []byte
	var size, before int64
	found := make(map[string]*journal.Ended)
	if _, err := pgx.ForEachRow(rows, []any{&id, &summary, &more, &size, &before}, func() error {
		found[id] = &journal.Ended{Record: decodeRecord(id, summary, more)}
		r.add(journal.Item{Record: found[id]}, size)
		return nil
	}); err != nil {
		return err
	}
	entries, err := r.entries(ctx, tx, hour, found)
	for id, e := range entries {
		e.Source = "" // the record has it
		found[id].Source = e
	}
	return err
}

// entries reads the entries of an hour that are in a map. What was deleted by hand is not in the
// result.
func (r *pageOfItems) entries(ctx context.Context, tx pgx.Tx, hour uint32, of map[string]*journal.Ended) (map[string]*journal.Entry, error) {
	entries := make(map[string]*journal.Entry, len(of))
	if len(of) == 0 {
		return entries, nil
	}
	ids := make([]string, 0, len(of))
	for id := range of {
		ids = append(ids, id)
	}
	rows, err := tx.Query(ctx, r.journal.sql(selectEntry+"any($1::text[])", hour), ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, err
		}
		entries[e.ID] = e
	}
	return entries, rows.Err()
}

// pending reads entries that have not ended, with their steps.
func (r *pageOfItems) pending(ctx context.Context, tx pgx.Tx, after string) error {
	hours, err := r.hoursFrom(ctx, tx, after)
	if err != nil {
		return err
	}
	for _, hour := range hours {
		if r.full() {
			break
		}
		if err := r.pendingOf(ctx, tx, hour, after); err != nil {
			return err
		}
	}
	return nil
}

func (r *pageOfItems) pendingOf(ctx context.Context, tx pgx.Tx, hour uint32, after string) error {
	type row struct {
		ID           string
		Deaths       int
		Began        int64
		Size, Before int64
	}
	rows, err := tx.Query(ctx, r.journal.sql(most("select id, deaths, coalesce(began, 0), bytes as size from {s}.pending_{h} where id > $3", "id"), hour),
		append(r.room(), after)...)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil || len(all) == 0 {
		return err
	}
	of, ids := make(map[string]*journal.Ended, len(all)), make([]string, len(all))
	for i, p := range all {
		of[p.ID], ids[i] = nil, p.ID
	}
	entries, err := r.entries(ctx, tx, hour, of)
	if err != nil {
		return err
	}
	rows, err = tx.Query(ctx, r.journal.sql("select node, output, handle, id from {s}.steps_{h} where id = any($1::text[]) order by id, seq, node", hour), ids)
	if err != nil {
		return err
	}
	var s journal.Step
	var id string
	if _, err := pgx.ForEachRow(rows, []any{&s.Node, &s.Output, &s.Handle, &id}, func() error {
		if e := entries[id]; e != nil {
			e.Steps = append(e.Steps, s)
		}
		s.Output = nil
		return nil
	}); err != nil {
		return err
	}
	for _, p := range all {
		e := entries[p.ID]
		if e == nil { // deleted by hand since it was sealed
			return fmt.Errorf("execution %s: %w", p.ID, errDamaged)
		}
		e.Deaths, e.Began = p.Deaths, timeOf(p.Began)
		r.add(journal.Item{Pending: e}, p.Size)
	}
	return nil
}
