package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// sealTime bounds the sealing, which waits for transactions that have not ended.
const sealTime = 30 * time.Second

// Seal implements journal.Portable. The schema must exist.
func (j *Journal) Seal(ctx context.Context, s journal.Seal) (journal.Sealed, error) {
	j.opening.Lock()
	defer j.opening.Unlock()
	if j.opened.Load() || j.closing() {
		return nil, errors.New("sealing a journal that was opened")
	}
	if err := j.prepare(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, sealTime)
	defer cancel()
	out := &sealed{journal: j}
	err := j.checkExists(ctx)
	if err == nil {
		err = j.migrate(ctx)
	}
	if err == nil {
		err = j.durably(ctx, func(tx pgx.Tx) (err error) {
			out.with, err = j.seal(ctx, tx, s)
			return err
		})
	}
	if err != nil {
		err = j.describe(j.explainRights(err))
		j.disconnect()
		return nil, err
	}
	return out, nil
}

// missing is the error of a schema without a journal.
type missing struct{ schema string }

func (m missing) Error() string { return "there is no journal in schema " + m.schema }

func (missing) Is(err error) bool { return err == fs.ErrNotExist }

func (j *Journal) checkExists(ctx context.Context) error {
	return inTransaction(ctx, j.writes, readTime, func(tx pgx.Tx) error {
		version, err := j.schemaVersion(ctx, tx)
		if err == nil && version == 0 {
			err = missing{j.options.Schema}
		}
		return err
	})
}

// seal reads the seal of the schema, or seals it if no machine uses it. It writes also what it has
// read: whoever wrote it may not have learned that it is durable.
func (j *Journal) seal(ctx context.Context, tx pgx.Tx, s journal.Seal) (journal.Seal, error) {
	// No machine can announce itself from here on.
	has, err := j.readSeal(ctx, tx, "for update")
	switch {
	case err != nil:
		return s, err
	case has != nil:
		s = *has
	case s.Move == "":
		return s, journal.ErrNotSealed
	default:
		if err := j.endMachines(ctx, tx); err != nil {
			return s, err
		}
		if err := j.endAllDamaged(ctx, tx); err != nil {
			return s, err
		}
	}
	_, err = tx.Exec(ctx, j.sql("update {s}.meta set seal = $1", 0), s)
	return s, err
}

// readSeal returns the seal of the schema; nil = it has none. lock is how its row is locked.
func (j *Journal) readSeal(ctx context.Context, tx pgx.Tx, lock string) (has *journal.Seal, err error) {
	err = tx.QueryRow(ctx, j.sql("select seal from {s}.meta "+lock, 0)).Scan(&has)
	return has, err
}

// checkSeal returns journal.ErrSealed for a sealed schema. It stays as it is until the transaction
// has ended.
func (j *Journal) checkSeal(ctx context.Context, tx pgx.Tx) error {
	has, err := j.readSeal(ctx, tx, "for share")
	if err != nil || has == nil {
		return err
	}
	return fmt.Errorf("schema %s: %w at %s as %s", j.options.Schema, journal.ErrSealed, has.At.UTC().Format(time.RFC3339), has.Move)
}

// checkUnsealed is checkSeal, before anything else is done.
func (j *Journal) checkUnsealed(ctx context.Context) error {
	return inTransaction(ctx, j.writes, openTime, func(tx pgx.Tx) error { return j.checkSeal(ctx, tx) })
}

// endMachines ends all machines that have died. It returns journal.ErrInUse, with their names, if
// others live.
func (j *Journal) endMachines(ctx context.Context, tx pgx.Tx) error {
	type row struct {
		Incarnation int64
		Name        string
		Process     string
		Lapsed      bool
		Seen        float64 // seconds ago
		Left        float64 // seconds of its lease
	}
	rows, err := tx.Query(ctx, j.sql(`select incarnation, name, process, until < clock_timestamp(), extract(epoch from clock_timestamp() - seen)::float8,
		extract(epoch from until - clock_timestamp())::float8 from {s}.machines where ended is null
		order by name, incarnation for update`, 0)) // the strongest lock, see endMachine
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return err
	}
	var live []string
	var left float64
	for _, m := range all {
		gone := isGone(m.Process)
		if !gone && !m.Lapsed {
			live = append(live, fmt.Sprintf("%s, last seen %d seconds ago", m.Name, int(max(m.Seen, 0))))
			left = max(left, m.Left)
			continue
		}
		// It may have extended its lease, or ended, since it was read.
		tag, err := tx.Exec(ctx, j.sql(`update {s}.machines set ended = clock_timestamp()
			where incarnation = $1 and ended is null and ($2 or until < clock_timestamp())`, 0), m.Incarnation, gone)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			live = append(live, m.Name)
			continue
		}
		if err := j.takeBack(ctx, tx, m.Incarnation, died); err != nil {
			return err
		}
	}
	if len(live) == 0 {
		return nil
	}
	return fmt.Errorf("%w: schema %s is open on %s; one of them that has died counts for another %d seconds",
		journal.ErrInUse, j.options.Schema, strings.Join(live, "; "), int(left)+1)
}

// endAllDamaged ends entries of which somebody has deleted a part by hand, as a claim of them does:
// they could be neither run nor moved.
func (j *Journal) endAllDamaged(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, j.sql(`select p.id, p.workflow from {s}.pending p
		left join {s}.entries e on e.hour = p.hour and e.id = p.id left join {s}.documents d on d.hour = e.hour and d.digest = e.document
		where d.digest is null`, 0))
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ ID, Workflow string }])
	if err != nil {
		return err
	}
	for _, p := range all {
		r := &journal.Record{Summary: journal.Summary{ID: p.ID, Workflow: p.Workflow, EndedAt: time.Now().UTC(), Outcome: damagedEntry}}
		r.AcceptedAt, _ = journal.IDTime(p.ID)
		row, err := newRecordRow(r)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, j.sql(replaceByRecord("true")+" select count(*) from gone", row.hour), row.args()...); err != nil {
			return err
		}
	}
	return nil
}

// durably runs a transaction whose commit is as certain as those of the committer.
func (j *Journal) durably(ctx context.Context, do func(pgx.Tx) error) error {
	conn, err := j.writes.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	data := conn.Conn().PgConn().CustomData()
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select "+j.synchronous()+", set_config('statement_timeout', $1::text, true), set_config('idle_in_transaction_session_timeout', $1, true)",
			strconv.FormatInt(sealTime.Milliseconds(), 10)); err != nil {
			return err
		}
		delete(data, warningIn)
		return do(tx)
	})
	if hasCode(err, codeRoot) {
		return errNotReplicated
	}
	if warning, ok := data[warningIn].(string); ok && err == nil {
		err = fmt.Errorf("the server warns: %s", warning)
	}
	return err
}

// sealed is a sealed schema. No machine has it open, and none can open it.
type sealed struct {
	journal *Journal // is not open: for its connections and limits
	with    journal.Seal
}

// Seal implements journal.Sealed.
func (s *sealed) Seal() journal.Seal { return s.with }

// Unseal implements journal.Sealed.
func (s *sealed) Unseal(ctx context.Context) error {
	j := s.journal
	ctx, cancel := context.WithTimeout(ctx, sealTime)
	defer cancel()
	return j.describe(j.durably(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, j.sql("update {s}.meta set seal = null where seal->>'move' = $1", 0), s.with.Move)
		if err == nil && tag.RowsAffected() == 0 {
			err = journal.ErrNotSealed // any more
		}
		return err
	}))
}

// Close implements journal.Sealed.
func (s *sealed) Close() error {
	s.journal.disconnect()
	return nil
}
