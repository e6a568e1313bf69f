package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// MaxBytes bounds what the tables take on the disk of the database. Once a minute their sizes are
// read, and beyond the bound whole hours are dropped, the oldest first, although their retention is
// not over. The present hour cannot be dropped: if it alone is too large, the oldest records in it
// are deleted, whose space its next ones take.

const (
	trimEvery = 5 * time.Minute // it reads the whole hour
	trimRows  = 5000            // at a time
	// rowSpace is what a record takes beside its texts, with its entry and what indexes have of it.
	rowSpace = 600
	// evictedFor is how long an eviction is told as a warning.
	evictedFor = 2 * time.Hour
)

// eviction is what was dropped before its time.
type eviction struct {
	at     time.Time
	before time.Time
}

// hourSize is what an hour takes.
type hourSize struct {
	hour  int64
	bytes int64
}

// readSizes reads what each hour takes, the oldest first, and all tables together.
func (j *Journal) readSizes(ctx context.Context) (hours []hourSize, all int64, err error) {
	rows, err := j.pool.Query(ctx, `select coalesce(substring(c.relname from '^[a-z]+_([0-9]{1,9})$')::bigint, 0) as hour,
			coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and c.relkind = 'r' group by 1 order by 1`, j.options.Schema)
	if err != nil {
		return nil, 0, err
	}
	var h hourSize
	_, err = pgx.ForEachRow(rows, []any{&h.hour, &h.bytes}, func() error {
		if all += h.bytes; h.hour > 0 {
			hours = append(hours, h)
		}
		return nil
	})
	return hours, all, err
}

// keepBound drops what is beyond MaxBytes.
func (j *Journal) keepBound(ctx context.Context) error {
	j.bounding.Lock()
	defer j.bounding.Unlock()
	hours, all, err := j.readSizes(ctx)
	if err != nil {
		return err
	}
	most := j.limits.Load().MaxBytes
	defer func() { j.size.Store(all) }()
	now, trimmed := int64(hourAt(j.Now())), false
	for _, h := range hours {
		if all <= most {
			return nil
		}
		if h.hour >= now {
			if time.Since(j.trimmed) < trimEvery {
				return nil
			}
			trimmed = true
			if err := j.trim(ctx, h, max(most-(all-h.bytes), most/8)); err != nil {
				return err
			}
			continue
		}
		dropped, err := j.dropHour(ctx, uint32(h.hour))
		if err != nil {
			return err
		}
		if dropped {
			all -= h.bytes
			j.evicted.Store(&eviction{j.Now(), time.Unix((h.hour+1)*3600, 0)})
		}
	}
	if trimmed {
		j.trimmed = time.Now()
	}
	return nil
}

// trim deletes the oldest records of an hour, until those that are left fit into a number of bytes.
func (j *Journal) trim(ctx context.Context, h hourSize, most int64) error {
	var first string // the last one that goes
	if err := j.pool.QueryRow(ctx, j.sql(`select coalesce(max(id), '') from (
		select id, sum(pg_column_size(summary) + pg_column_size(details) + coalesce(e.bytes, 0) + $2::bigint) over (order by id desc) as total
		from {s}.records_{h} r left join lateral (select pg_column_size(data) + pg_column_size(headers) + pg_column_size(query) as bytes
			from {s}.entries_{h} e where e.id = r.id) e on true) t where total > $1`, uint32(h.hour)), most, int64(rowSpace)).Scan(&first); err != nil {
		return err
	}
	for first != "" {
		var gone int
		if err := j.pool.QueryRow(ctx, j.sql(`with gone as (delete from {s}.records_{h} where id in (
				select id from {s}.records_{h} where id <= $1 order by id limit $2) returning id),
			entries as (delete from {s}.entries_{h} e using gone where e.id = gone.id
				and not exists(select from {s}.pending_{h} p where p.id = e.id))
			select count(*) from gone`, uint32(h.hour)), first, trimRows).Scan(&gone); err != nil {
			return err
		}
		before, _ := journal.IDTime(first)
		j.evicted.Store(&eviction{j.Now(), before})
		if gone < trimRows {
			break
		}
	}
	return nil
}

// evictionWarning returns what is told of the last eviction; "" if it was long ago.
func (j *Journal) evictionWarning() string {
	e := j.evicted.Load()
	if e == nil || j.Now().Sub(e.at) > evictedFor {
		return ""
	}
	return fmt.Sprintf("records from before %s were dropped although their retention of %s was not over, as max_bytes %d was reached",
		e.before.UTC().Format(time.RFC3339), j.limits.Load().Retention, j.limits.Load().MaxBytes)
}
