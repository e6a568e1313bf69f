package postgres

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/internal/counts"
)

// saveCountsEvery is how often a machine adds what it has counted to what all have counted: a crash
// loses at most these seconds.
const saveCountsEvery = 5 * time.Second

// counters are what this machine has counted and not saved.
type counters struct {
	mu    sync.RWMutex // held for writing while table is replaced
	table *counts.Table

	saving sync.Mutex
	unsent map[string][]byte // by key; a save has failed
}

func newCounters(now func() time.Time) counters { return counters{table: counts.New(now, true)} }

// CountEnded counts an execution that has ended.
func (j *Journal) CountEnded(e journal.EndedCount) {
	j.counters.mu.RLock()
	defer j.counters.mu.RUnlock()
	e.EndedAt = e.EndedAt.Add(j.drift())
	j.counters.table.Ended(e)
}

// CountRejected counts a rejected request.
func (j *Journal) CountRejected(code string, at time.Time) {
	j.counters.mu.RLock()
	defer j.counters.mu.RUnlock()
	j.counters.table.Rejected(code, at.Add(j.drift()))
}

// Counts returns the counters of all machines together. Those of others are some seconds old.
func (j *Journal) Counts(ctx context.Context, q journal.CountsQuery) (journal.Counts, error) {
	if err := j.checkReady(); err != nil {
		return journal.Counts{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	if err := j.saveCounts(ctx); err != nil {
		return journal.Counts{}, j.unavailable(err)
	}
	rows, err := j.pool.Query(ctx, j.sql("select key, value from {s}.counts order by key", 0))
	if err != nil {
		return journal.Counts{}, j.unavailable(err)
	}
	all := counts.New(j.Now, false)
	for rows.Next() {
		var key, value []byte
		if err := rows.Scan(&key, &value); err != nil {
			return journal.Counts{}, j.unavailable(err)
		}
		all.Load(key, value)
	}
	if err := rows.Err(); err != nil {
		return journal.Counts{}, j.unavailable(err)
	}
	return all.Counts(q), nil
}

// saveCountsUntil saves counters until the context ends.
func (j *Journal) saveCountsUntil(ctx context.Context) {
	for backoff.Sleep(ctx, backoff.Jitter(saveCountsEvery, 0.3)) == nil {
		// What fails is saved with the next ones.
		_ = j.saveCounts(ctx)
	}
}

// saveCounts adds what this machine has counted to what all have. If it fails, it is kept.
func (j *Journal) saveCounts(ctx context.Context) error {
	c := &j.counters
	c.saving.Lock()
	defer c.saving.Unlock()
	c.mu.Lock()
	full := c.table
	c.table = counts.New(j.Now, true)
	c.mu.Unlock()
	if c.unsent == nil {
		c.unsent = make(map[string][]byte)
	}
	for _, kv := range full.Changes(math.MaxInt).Put {
		if before, ok := c.unsent[string(kv.Key)]; ok {
			kv.Value = counts.Merge(kv.Key, before, kv.Value)
		}
		c.unsent[string(kv.Key)] = kv.Value
	}
	now := hourAt(j.Now())
	for key, value := range c.unsent { // the database was away for long
		if counts.KeyHour([]byte(key), value) < now {
			delete(c.unsent, key)
		}
	}
	if len(c.unsent) == 0 {
		return nil
	}
	if err := inTransaction(ctx, j.pool, transactionTime, func(tx pgx.Tx) error { return j.mergeCounts(ctx, tx, c.unsent) }); err != nil {
		// If the commit was done and its reply lost, they count twice.
		return err
	}
	c.unsent = nil
	return nil
}

// mergeCounts merges counters into the table. Machines take the keys in order, and the rows of new
// keys are made before they are locked, so that none waits for another in turn.
func (j *Journal) mergeCounts(ctx context.Context, tx pgx.Tx, add map[string][]byte) error {
	keys := make([][]byte, 0, len(add))
	for key := range add {
		keys = append(keys, []byte(key))
	}
	slices.SortFunc(keys, slices.Compare)
	// Losing counters with the server is no worse than losing them with this process.
	if _, err := tx.Exec(ctx, "set local synchronous_commit = off"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, j.sql(`insert into {s}.counts (key, hour, value)
		select k, 0, ''::bytea from unnest($1::bytea[]) k order by k on conflict do nothing`, 0), keys); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, j.sql("select key, value from {s}.counts where key = any($1::bytea[]) order by key for update", 0), keys)
	if err != nil {
		return err
	}
	var hours []int32
	var values [][]byte
	keys = keys[:0]
	var key, saved []byte
	if _, err := pgx.ForEachRow(rows, []any{&key, &saved}, func() error {
		value := add[string(key)]
		if len(saved) > 0 {
			value = counts.Merge(key, saved, value)
		}
		keys, values = append(keys, slices.Clone(key)), append(values, value)
		hours = append(hours, int32(counts.KeyHour(key, value)))
		return nil
	}); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, j.sql(`update {s}.counts c set value = u.value, hour = u.hour
		from unnest($1::bytea[], $2::integer[], $3::bytea[]) u (key, hour, value) where c.key = u.key`, 0), keys, hours, values)
	return err
}

// dropCounts drops counters that are too old, and those of workflows that ran least recently beyond
// the bound.
func (j *Journal) dropCounts(ctx context.Context) error {
	_, err := j.pool.Exec(ctx, j.sql(`delete from {s}.counts where hour < $1 or key in (
		select key from {s}.counts where key >= 'l' and key < 'm' order by hour desc, key offset $2)`, 0),
		int32(hourAt(j.Now())), journal.MaxCountedWorkflows)
	return err
}
