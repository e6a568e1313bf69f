package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// reservation is an idempotency key of an execution.
type reservation struct {
	journal.Reservation
	hash [sha256.Size]byte // of the workflow and the text
}

func newReservation(r journal.Reservation) *reservation {
	h := sha256.New()
	h.Write([]byte(r.Workflow))
	h.Write([]byte{0})
	h.Write([]byte(r.Key.Text))
	return &reservation{r, [sha256.Size]byte(h.Sum(nil))}
}

func (r *reservation) name() string { return "key " + string(r.hash[:]) }

// room returns what the key takes. A response that is larger than the share of its workflow is not
// stored.
func (r *reservation) room(j *Journal) amount {
	if int64(len(r.Key.Response)) > journal.Share(j.limits.Load().responseBytes()) {
		r.Key.Response = []byte{}
	}
	return amount{work: keySpace, responses: int64(len(r.Key.Response))}
}

// storedKey is a key as it is found; id nil = there is none.
type storedKey struct {
	id               *string
	digest, response []byte
	running          bool // there is no response yet
}

// conflict returns why a key belongs to another execution; nil if it does not.
func (r *reservation) conflict(k storedKey) error {
	switch {
	case k.id == nil:
		return errors.New("a key is missing after it was inserted")
	case *k.id == r.ID:
		return nil
	case !bytes.Equal(k.digest, r.Key.Digest[:]):
		return journal.ErrKeyReused
	case k.running:
		return &journal.DuplicateError{ID: *k.id}
	default:
		return &journal.DuplicateError{ID: *k.id, Response: notNil(k.response)}
	}
}

// isFree is the condition under which a key may be taken.
const isFree = `(k.until <= clock_timestamp() or k.holder is not null and
	exists(select from {s}.machines m where m.incarnation = k.holder and m.ended is not null))`

// queueTake takes the key, if it is free or belongs to the same execution. holder is the machine
// that frees it with its end; nil = it stays. The time until it expires is counted by the clock of
// the database.
func (r *reservation) queueTake(j *Journal, b *pgx.Batch, holder *int64) {
	b.Queue(j.sql(`insert into {s}.keys as k (key, workflow, digest, until, id, holder, response, stored)
		values ($1, $2, $3, clock_timestamp() + $4::bigint * interval '1 microsecond', $5, $6::bigint, $7::bytea, `+now+`)
		on conflict (key) do update set digest = excluded.digest, until = excluded.until, id = excluded.id, holder = excluded.holder,
			response = excluded.response, stored = excluded.stored
		where k.id = excluded.id or `+isFree, 0),
		r.hash[:], r.Workflow, r.Key.Digest[:], time.Until(r.Key.Until).Microseconds(), r.ID, holder, r.Key.Response)
	r.queueEvict(j, b)
}

// now is the clock of the database in microseconds: the order of stored responses.
const now = "(extract(epoch from clock_timestamp()) * 1000000)::bigint"

// queueFind finds whose the key is. If it is nobody's, the result is otherwise.
func (r *reservation) queueFind(j *Journal, o *operation, b *pgx.Batch, otherwise error) {
	b.Queue(j.sql("select id, digest, response, response is null from {s}.keys k where key = $1 and not "+isFree, 0), r.hash[:]).
		QueryRow(func(row pgx.Row) error {
			var k storedKey
			err := row.Scan(&k.id, &k.digest, &k.response, &k.running)
			if errors.Is(err, pgx.ErrNoRows) {
				o.result = otherwise
				return nil
			}
			if err == nil {
				if o.result = r.conflict(k); o.result == nil {
					o.result = otherwise
				}
			}
			return err
		})
}

// queueEvict evicts the oldest responses of the workflow, or else of all, if there is no room for
// that of the key. The room for it is counted already.
func (r *reservation) queueEvict(j *Journal, b *pgx.Batch) {
	if len(r.Key.Response) == 0 {
		return
	}
	most := j.limits.Load().responseBytes()
	if j.usage.of(r.Workflow).responses > journal.Share(most) {
		b.Queue(j.sql(evict("where workflow = $2"), 0), journal.Share(most), r.Workflow)
		j.recount.Store(true)
	}
	if j.usage.all.responses > most {
		b.Queue(j.sql(evict(""), 0), most)
		j.recount.Store(true)
	}
}

func evict(of string) string {
	return `update {s}.keys k set response = ''::bytea from (
		select key, sum(length(response)) over (order by stored desc, key) total from {s}.keys ` + of + `) t
		where t.key = k.key and t.total > $1 and length(k.response) > 0`
}

// Reserve reserves a key until this machine ends.
func (j *Journal) Reserve(ctx context.Context, given journal.Reservation) error {
	given.Key.Response = nil
	r := newReservation(given)
	var refused error
	var room amount
	o := &operation{names: []string{r.name()}}
	o.check = func() error {
		room = r.room(j)
		if refused = j.checkUsage(r.Workflow, room); refused != nil {
			room = amount{}
		}
		j.usage.add(r.Workflow, room)
		return nil
	}
	o.queue = func(b *pgx.Batch) {
		if refused != nil {
			r.queueFind(j, o, b, refused)
			return
		}
		me := j.incarnation.Load()
		r.queueTake(j, b, &me)
		b.Queue(j.sql("select id, digest, response, response is null from {s}.keys where key = $1", 0), r.hash[:]).
			QueryRow(func(row pgx.Row) error {
				var k storedKey
				err := row.Scan(&k.id, &k.digest, &k.response, &k.running)
				if err == nil {
					o.result = r.conflict(k)
				}
				return err
			})
	}
	o.committed = func(err error, _ bool) {
		if err != nil {
			j.usage.add(r.Workflow, room.negative())
		}
	}
	return j.doSoon(ctx, o)
}

// Settle stores the response of a key.
func (j *Journal) Settle(ctx context.Context, given journal.Reservation, response []byte) error {
	given.Key.Response = notNil(response)
	r := newReservation(given)
	o := &operation{names: []string{r.name()}}
	o.check = func() error {
		room := r.room(j)
		room.work = 0 // it was counted when the key was reserved
		j.usage.add(r.Workflow, room)
		return nil
	}
	o.queue = func(b *pgx.Batch) {
		b.Queue(j.sql(`update {s}.keys set response = $3::bytea, holder = null, stored = `+now+`,
			until = clock_timestamp() + $4::bigint * interval '1 microsecond' where key = $1 and id = $2`, 0),
			r.hash[:], r.ID, r.Key.Response, time.Until(r.Key.Until).Microseconds())
		r.queueEvict(j, b)
	}
	return j.do(ctx, o)
}

// Free deletes a key.
func (j *Journal) Free(ctx context.Context, given journal.Reservation) error {
	r := newReservation(given)
	var freed int64
	o := &operation{names: []string{r.name()}}
	o.queue = func(b *pgx.Batch) {
		b.Queue(j.sql(`with gone as (delete from {s}.keys where key = $1 and id = $2 returning response)
			select count(*), coalesce(sum(length(response)), 0)::bigint from gone`, 0), r.hash[:], r.ID).
			QueryRow(func(row pgx.Row) error {
				var keys int64
				err := row.Scan(&keys, &freed)
				freed += keys * keySpace
				return err
			})
	}
	o.committed = func(error, bool) {
		if freed > 0 {
			j.recount.Store(true)
		}
	}
	return j.do(ctx, o)
}
