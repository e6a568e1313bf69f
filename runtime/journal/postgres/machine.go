package postgres

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/runtime/journal"
)

// announce gives this machine a new incarnation. Earlier ones of the same name whose process is
// gone are ended.
func (j *Journal) announce(ctx context.Context) error {
	rows, err := j.writes.Query(ctx, j.sql("select incarnation, process from {s}.machines where ended is null and name = $1", 0), j.options.Machine)
	if err != nil {
		return err
	}
	var incarnation int64
	var process string
	var gone []int64
	if _, err := pgx.ForEachRow(rows, []any{&incarnation, &process}, func() error {
		if isGone(process) {
			gone = append(gone, incarnation)
		}
		return nil
	}); err != nil {
		return err
	}
	for _, incarnation := range gone {
		if err := j.endMachine(ctx, incarnation, died); err != nil {
			return err
		}
	}
	sent := time.Now()
	incarnation = 1 + rand.Int64N(math.MaxInt64)
	err = inTransaction(ctx, j.writes, takeTime, func(tx pgx.Tx) error {
		// Not while another fleet takes the schema over or it is sealed, nor after that.
		if _, err := tx.Exec(ctx, j.sql("select from {s}.meta for no key update", 0)); err != nil {
			return err
		}
		if err := j.checkFleet(ctx, tx); err != nil {
			return err
		}
		if err := j.checkSeal(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, j.sql(`insert into {s}.machines (incarnation, name, version, process, until, config)
			values ($1, $2, $3, $4, clock_timestamp() + $5::bigint * interval '1 microsecond', $6)`, 0),
			incarnation, j.options.Machine, j.options.Version, thisProcess(), j.options.Lease.Microseconds(), j.configText())
		return err
	})
	if errors.Is(err, journal.ErrForeign) {
		j.foreign.Store(&err)
	}
	if err != nil {
		return err
	}
	j.incarnation.Store(incarnation)
	j.proved.Store(&sent)
	j.dropStale()
	return nil
}

// proveLife makes sure that nobody has ended this machine in the last moments.
func (j *Journal) proveLife(ctx context.Context) error {
	if j.isProved() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, transactionTime)
	defer cancel()
	return j.do(ctx, &operation{queue: func(*pgx.Batch) {}})
}

// isLate reports whether the lease of this machine has lapsed as far as this machine knows.
func (j *Journal) isLate() bool {
	at := j.proved.Load()
	return at != nil && time.Since(*at) >= j.options.Lease
}

// renew makes a new incarnation of this machine, and returns what the old one held. Others may have
// done so already.
func (j *Journal) renew(ctx context.Context) error {
	if err := j.endMachine(ctx, j.incarnation.Load(), handedBack); err != nil {
		return err
	}
	return j.announce(ctx)
}

// isProved reports whether the lease of this machine was extended so lately that nobody can have
// taken it for dead.
func (j *Journal) isProved() bool {
	at := j.proved.Load()
	if at == nil {
		return false
	}
	// The one clock does not count the time in which the system sleeps, and the other one is set.
	byCalendar := time.Now().Round(0).Sub(at.Round(0)).Abs()
	return max(time.Since(*at), byCalendar) < j.options.Lease*2/3
}

// reason is why a machine is ended.
type reason int

const (
	died       reason = 1 // what it worked on has one more death
	handedBack reason = 0
)

// endMachine ends a machine, if it has not ended, and returns its claims. A machine whose row is
// locked is waited for: its transaction is bounded. The lock is the strongest one, for which claims
// are waited for as well: the end of the row alone does not touch its key.
func (j *Journal) endMachine(ctx context.Context, incarnation int64, why reason) error {
	return inTransaction(ctx, j.writes, takeTime, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, j.sql("select from {s}.machines where incarnation = $1 for update", 0), incarnation); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, j.sql("update {s}.machines set ended = clock_timestamp() where incarnation = $1 and ended is null", 0), incarnation)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return j.takeBack(ctx, tx, incarnation, why)
	})
}

// takeBack returns the claims of a machine that the transaction has ended, and frees its keys.
// Entries that were cancelled meanwhile end.
func (j *Journal) takeBack(ctx context.Context, tx pgx.Tx, incarnation int64, why reason) error {
	rows, err := tx.Query(ctx, j.sql(pendingRows+" where p.holder = $1 and p.cancelled", 0), incarnation)
	if err != nil {
		return err
	}
	cancelled, err := pgx.CollectRows(rows, pendingSummary)
	if err != nil {
		return err
	}
	for _, s := range cancelled {
		r, err := cancelledRecord(s)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, j.sql(replaceByRecord("holder = $8")+" select count(*) from gone", r.hour), append(r.args(), incarnation)...); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, j.sql(`update {s}.pending set holder = null, returned = true, begun = false, due = null,
		deaths = greatest(least(deaths, 1000000000), 0) + case when begun then $2::integer else 0 end where holder = $1`, 0), incarnation, int(why)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, j.sql("delete from {s}.lacks where incarnation = $1", 0), incarnation); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, j.sql("delete from {s}.keys where holder = $1", 0), incarnation)
	return err
}

// endLapsed ends the other machines whose lease has lapsed. A lease is an hour at most: the end of
// one that is further away was written before the clock of the database was set back, or by hand.
func (j *Journal) endLapsed(ctx context.Context) error {
	for {
		ended := false
		if err := inTransaction(ctx, j.pool, takeTime, func(tx pgx.Tx) error {
			var incarnation int64
			err := tx.QueryRow(ctx, j.sql(`select incarnation from {s}.machines where ended is null
				and (until < clock_timestamp() or until > clock_timestamp() + interval '2 hours') and incarnation <> $1
				limit 1 for update skip locked`, 0), j.incarnation.Load()).Scan(&incarnation)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			if err != nil {
				return err
			}
			ended = true
			if _, err := tx.Exec(ctx, j.sql("update {s}.machines set ended = clock_timestamp() where incarnation = $1", 0), incarnation); err != nil {
				return err
			}
			return j.takeBack(ctx, tx, incarnation, died)
		}); err != nil || !ended {
			return err
		}
		j.takenOver.Add(1)
	}
}

// TakenOver implements journal.Sharing.
func (j *Journal) TakenOver() uint64 { return j.takenOver.Load() }

// Of maintenance.
const (
	cleanEvery  = time.Minute
	machinesAge = 24 * time.Hour // after its end, the row of a machine is forgotten
)

// maintain looks for machines that have died, and for what has expired. What fails is tried again
// the next time.
func (j *Journal) maintain(ctx context.Context) {
	var cleaned time.Time
	checked := time.Now()
	for backoff.Sleep(ctx, backoff.Jitter(min(j.options.Lease/3, 5*time.Second), 0.3)) == nil {
		if time.Since(checked) >= checkEvery {
			checked = time.Now()
			_ = j.bounded(ctx, j.checkDurability)
		}
		if j.bounded(ctx, j.readClock) != nil || j.bounded(ctx, j.endLapsed) != nil || j.bounded(ctx, j.recountOthers) != nil {
			continue
		}
		_ = j.bounded(ctx, j.findHopeless)
		if time.Since(cleaned) < cleanEvery {
			continue
		}
		cleaned = time.Now()
		_ = j.ensureHour(ctx, hourAt(j.Now().Add(time.Hour)))
		for _, step := range []func(context.Context) error{j.dropHours, j.keepBound, j.returnLost, j.dropExpired, j.dropCounts} {
			_ = j.bounded(ctx, step)
		}
	}
}

// returnLost returns entries whose holder has ended, or never was: somebody has changed rows by
// hand. Whoever ends a machine returns what it holds.
func (j *Journal) returnLost(ctx context.Context) error {
	_, err := j.pool.Exec(ctx, j.sql(`update {s}.pending p set holder = null, returned = true, begun = false where holder is not null
		and not exists(select from {s}.machines m where m.incarnation = p.holder and m.ended is null)`, 0))
	return err
}

// recountOthers has the usage read again while there are other machines.
func (j *Journal) recountOthers(ctx context.Context) error {
	var others bool
	err := j.pool.QueryRow(ctx, j.sql("select exists(select from {s}.machines where ended is null and incarnation <> $1)", 0),
		j.incarnation.Load()).Scan(&others)
	if others {
		j.recount.Store(true)
	}
	return err
}

// dropExpired drops expired keys, and machines that ended long ago and have accepted nothing that
// is pending.
func (j *Journal) dropExpired(ctx context.Context) error {
	for {
		tag, err := j.pool.Exec(ctx, j.sql(`delete from {s}.keys where key in
			(select key from {s}.keys where until < clock_timestamp() order by until limit 1000 for update skip locked)`, 0))
		if err != nil {
			return err
		}
		if tag.RowsAffected() > 0 {
			j.recount.Store(true)
		}
		if tag.RowsAffected() < 1000 {
			break
		}
	}
	_, err := j.pool.Exec(ctx, j.sql(`delete from {s}.machines m where ended < clock_timestamp() - $1::bigint * interval '1 microsecond'
		and not exists(select from {s}.pending p where p.origin = m.incarnation)`, 0), machinesAge.Microseconds())
	return err
}
