package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/internal/tracebytes"
)

// Accept stores e.
func (j *Journal) Accept(ctx context.Context, e *journal.Entry) error {
	a, err := j.newAcceptance(e, false)
	if err != nil {
		return err
	}
	return j.doSoon(ctx, a.operation())
}

// Adopt stores e and claims it for the caller.
func (j *Journal) Adopt(ctx context.Context, e *journal.Entry) (journal.Lease, error) {
	a, err := j.newAcceptance(e, true)
	if err != nil {
		return nil, err
	}
	if err := j.doSoon(ctx, a.operation()); err != nil {
		return nil, err
	}
	return a.lease, nil
}

// acceptance is an entry on its way into the database.
type acceptance struct {
	journal *Journal
	entry   *journal.Entry
	hour    uint32
	digest  [sha256.Size]byte
	seq     int64
	seqs    []int64      // the numbers with which it was sent before
	origins []int64      // the incarnations under which it was sent
	key     *reservation // nil = it has none
	adopted bool
	lease   *lease // of an adopted one

	room    amount
	refused error // there is no room; only a duplicate has another result
	placed  time.Time
	hold    bool  // it is claimed as it is accepted, see ahead.go
	heldBy  int64 // the incarnation that has claimed it so; 0 = none
}

func (j *Journal) newAcceptance(e *journal.Entry, adopted bool) (*acceptance, error) {
	hour, err := hourOf(e.ID)
	if err != nil {
		return nil, fmt.Errorf("%w: %q", err, e.ID)
	}
	a := &acceptance{
		journal: j, entry: e, hour: hour, digest: sha256.Sum256(e.Document), adopted: adopted,
		room: amount{pending: 1, work: entryBytes(e)},
	}
	if e.Key != nil {
		a.key = newReservation(journal.Reservation{ID: e.ID, Workflow: e.Workflow, Key: *e.Key})
	}
	return a, nil
}

func (a *acceptance) operation() *operation {
	o := &operation{hour: a.hour, names: []string{a.entry.ID}, kind: accepting, accept: a}
	if a.key != nil {
		o.names = append(o.names, a.key.name())
	}
	o.check = a.check
	o.queue = func(b *pgx.Batch) { a.queue(o, b) }
	o.committed = a.committed
	return o
}

func (a *acceptance) check() error {
	j, workflow := a.journal, a.entry.Workflow
	a.seq = j.seq.Add(1) // in the order of transactions, see poll
	if a.key != nil {
		a.room.add(a.key.room(j))
	}
	a.refused = j.checkUsage(workflow, a.room)
	if a.refused != nil {
		a.room = amount{}
		if a.key == nil {
			return a.refused
		}
	}
	j.usage.add(workflow, a.room)
	a.hold = a.refused == nil && !a.adopted && len(a.entry.Steps) == 0 && j.mayHold(a.entry)
	return nil
}

// sentAs notes under which incarnation the entry is sent.
func (a *acceptance) sentAs(incarnation int64) {
	if !slices.Contains(a.origins, incarnation) {
		a.origins = append(a.origins, incarnation)
	}
}

// renumber gives the entry the number of a later transaction: others read entries in the order of
// their numbers.
func (a *acceptance) renumber() {
	a.seqs = append(a.seqs, a.seq)
	a.seq = a.journal.seq.Add(1)
}

func (a *acceptance) queue(o *operation, b *pgx.Batch) {
	j, e := a.journal, a.entry
	me := j.incarnation.Load()
	a.sentAs(me)
	a.heldBy = 0
	if a.refused != nil {
		a.key.queueFind(j, o, b, a.refused)
		return
	}
	var key []byte
	if a.key != nil {
		key = a.key.hash[:]
		a.key.queueTake(j, b, nil)
	}
	queueDocument(j, b, a.hour, a.digest, e.Document)
	var holder *int64
	run, began := 0, int64(0)
	if a.adopted {
		holder, run, began = &me, 1, nanos(e.Began)
	}
	b.Queue(j.sql(`with entry as (
		insert into {s}.entries_{h} (hour, id, origin, seq, `+entryColumns+`)
		select $1::integer, $2::text, $3::bigint, $4::bigint, `+entryValues(5)+`
		where ($19::bytea is null or exists(select from {s}.keys where key = $19 and id = $2))
			and not exists(select from {s}.records_{h} where id = $2)
		on conflict do nothing returning hour, id, origin, seq, workflow, accepted)
		insert into {s}.pending_{h} (hour, id, origin, seq, workflow, accepted, bytes, holder, run, begun, began)
		select hour, id, origin, seq, workflow, accepted, $18::bigint, $20::bigint, $21::integer, $21 > 0, nullif($22::bigint, 0) from entry`, a.hour),
		append(append([]any{int32(a.hour), e.ID, me, a.seq}, entryArgs(e, a.digest)...), entryBytes(e), key, holder, run, began)...)
	for _, s := range e.Steps {
		b.Queue(j.sql(`insert into {s}.steps_{h} (hour, id, node, seq, handle, output, machine)
			select hour, id, $3::text, `+nextStep+`, $4::text, $5::bytea, $7::text from {s}.pending_{h} where id = $1 and origin = $2 and seq = $6
			on conflict do nothing`, a.hour), e.ID, me, s.Node, s.Handle, notNil(s.Output), a.seq, j.options.Machine)
	}
	b.Queue(j.sql(`select e.origin = any($2::bigint[]) and e.seq = any($3::bigint[]), p.placed, p.holder, r.id is not null, k.id, k.digest, k.response, k.response is null
		from (select 1) one left join {s}.entries_{h} e on e.id = $1 left join {s}.pending_{h} p on p.id = $1
		left join {s}.records_{h} r on r.id = $1 left join {s}.keys k on k.key = $4`, a.hour), e.ID, a.origins, append(a.seqs, a.seq), key).
		QueryRow(func(row pgx.Row) error {
			var own, ended *bool
			var placed *time.Time
			var heldBy *int64
			var k storedKey
			if err := row.Scan(&own, &placed, &heldBy, &ended, &k.id, &k.digest, &k.response, &k.running); err != nil {
				return err
			}
			switch {
			case own != nil && *own:
				if placed != nil {
					a.placed = *placed
				}
				if a.hold && heldBy != nil { // a commit without a reply has done it
					a.heldBy = *heldBy
				}
			case own != nil || ended != nil && *ended:
				o.result = journal.ErrExists
			case a.key != nil:
				o.result = a.key.conflict(k)
			default:
				return errors.New("an entry is missing after it was inserted")
			}
			return nil
		})
}

func (a *acceptance) committed(err error, abandoned bool) {
	j, e := a.journal, a.entry
	if err != nil {
		j.usage.add(e.Workflow, a.room.negative())
		j.documents.forget(a.hour)
		if a.hold {
			j.unhold(e)
			if errors.Is(err, journal.ErrUnavailable) { // it may be claimed all the same
				j.loseClaim(e.ID, &lostClaim{hour: a.hour})
			}
		}
		return
	}
	j.documents.add(a.hour, a.digest)
	if !a.adopted {
		c := &candidate{id: e.ID, hour: a.hour, workflow: e.Workflow, placed: a.placed, bytes: entryBytes(e)}
		if a.hold {
			j.unhold(e)
		}
		if a.heldBy > 0 {
			own := *e
			own.Key, own.Began = nil, time.Time{}
			c.held = newLease(j, a.hour, a.heldBy, 1, entryBytes(e), &own)
			c.held.machine = j.options.Machine
		}
		j.enqueue(c)
		return
	}
	a.lease = newLease(j, a.hour, j.incarnation.Load(), 1, entryBytes(e), e)
	a.lease.begun, a.lease.began, a.lease.machine = true, e.Began, j.options.Machine
	if abandoned { // nobody takes it
		j.spawn(a.lease.discard)
	}
}

// entryColumns are the columns of an entry that it is run from.
const entryColumns = `workflow, revision, document, accepted, received, replay_of, source, method, client_ip, data, query, headers, trace`

// entryValues returns the parameters of entryColumns.
func entryValues(first int) string {
	kinds := []string{"text", "bigint", "bytea", "bigint", "bigint", "text", "text", "text", "text", "bytea", "bytea", "bytea", "bytea"}
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("$%d::%s", first+i, kind)
	}
	return strings.Join(kinds, ", ")
}

func entryArgs(e *journal.Entry, digest [sha256.Size]byte) []any {
	return []any{
		e.Workflow, e.Revision, digest[:], nanos(e.AcceptedAt), nanos(e.ReceivedAt), e.ReplayOf, e.Source, e.Method,
		e.ClientIP, notNil(e.Data), notNil(e.Query), notNil(e.Headers), tracebytes.Append(nil, &e.Trace),
	}
}

// scanEntry reads entryColumns and the text of the document. An entry whose place in a trace was
// changed by hand has none: it runs all the same.
func scanEntry(row pgx.Row) (*journal.Entry, error) {
	e := new(journal.Entry)
	var accepted, received int64
	var digest, trace []byte
	err := row.Scan(&e.ID, &e.Workflow, &e.Revision, &digest, &accepted, &received, &e.ReplayOf, &e.Source, &e.Method,
		&e.ClientIP, &e.Data, &e.Query, &e.Headers, &trace, &e.Document)
	e.Trace, _ = tracebytes.Read(trace)
	e.AcceptedAt, e.ReceivedAt = timeOf(accepted), timeOf(received)
	return e, err
}

// selectEntry reads what scanEntry takes; what the id equals follows.
const selectEntry = `select e.id, e.workflow, e.revision, e.document, e.accepted, e.received, e.replay_of, e.source, e.method, e.client_ip,
	e.data, e.query, e.headers, e.trace, d.text from {s}.entries_{h} e join {s}.documents_{h} d on d.digest = e.document where e.id = `

func queueDocument(j *Journal, b *pgx.Batch, hour uint32, digest [sha256.Size]byte, text []byte) {
	b.Queue(j.sql("insert into {s}.documents_{h} (hour, digest, text) values ($1::integer, $2::bytea, $3::bytea) on conflict do nothing", hour),
		int32(hour), digest[:], notNil(text))
}

// notNil returns b as a value that is not null.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// nextStep is the number of the next step of an execution.
const nextStep = "(select count(*) from {s}.steps_{h} where id = $1)"
