package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal/internal/tracebytes"
)

// Most acceptances of a transaction are new, and of one hour. They go into the database by one
// call for all of them. What it does not insert is sent again on its own, in the next transaction,
// to find out why.

// acceptGroup inserts new entries, and returns those that it has inserted.
var acceptGroup = newFunction("accept", "integer, bigint, text[], bigint[], text[], bigint[], bytea[], bigint[], bigint[], "+
	"text[], text[], text[], text[], bytea[], bytea[], bytea[], bytea[], bigint[], bytea[], integer[]", "accepted text, since timestamptz",
	`with new as materialized (
			select * from unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
			u (id, seq, `+entryColumns+`, bytes, key, run)),
		entry as (insert into {s}.entries_{h} (hour, id, origin, seq, `+entryColumns+`)
			select $1, u.id, $2, u.seq, `+entryColumns+` from new u
			where (u.key is null or exists(select from {s}.keys k where k.key = u.key and k.id = u.id))
				and not exists(select from {s}.records_{h} r where r.id = u.id)
				and exists(select from {s}.documents_{h} d where d.digest = u.document)
			order by u.seq on conflict do nothing returning id)
		insert into {s}.pending_{h} (hour, id, origin, seq, workflow, accepted, bytes, holder, run)
		select $1, u.id, $2, u.seq, u.workflow, u.accepted, u.bytes, case when u.run > 0 then $2 end, u.run from new u
		where `+isIn("entry")+` order by u.seq returning id, placed`)

// queueAcceptances inserts new entries.
func (g *group) queueAcceptances(j *Journal, b *pgx.Batch) {
	me := j.incarnation.Load()
	g.queueKeys(j, b)
	byID, documents := make(map[string]*operation, len(g.ops)), make(map[[32]byte]bool)
	for _, o := range g.ops {
		a := o.accept
		a.sentAs(me)
		o.unresolved = true
		byID[a.entry.ID] = o
		if !documents[a.digest] {
			documents[a.digest] = true
			if !j.documents.has(g.hour, a.digest) {
				queueDocument(j, b, g.hour, a.digest, a.entry.Document)
			}
		}
	}
	b.Queue(j.sql(acceptGroup.call, g.hour), int32(g.hour), me,
		column(g, func(o *operation) string { return o.accept.entry.ID }),
		column(g, func(o *operation) int64 { return o.accept.seq }),
		column(g, func(o *operation) string { return o.accept.entry.Workflow }),
		column(g, func(o *operation) int64 { return o.accept.entry.Revision }),
		column(g, func(o *operation) []byte { return o.accept.digest[:] }),
		column(g, func(o *operation) int64 { return nanos(o.accept.entry.AcceptedAt) }),
		column(g, func(o *operation) int64 { return nanos(o.accept.entry.ReceivedAt) }),
		column(g, func(o *operation) string { return o.accept.entry.ReplayOf }),
		column(g, func(o *operation) string { return o.accept.entry.Source }),
		column(g, func(o *operation) string { return o.accept.entry.Method }),
		column(g, func(o *operation) string { return o.accept.entry.ClientIP }),
		column(g, func(o *operation) []byte { return notNil(o.accept.entry.Data) }),
		column(g, func(o *operation) []byte { return notNil(o.accept.entry.Query) }),
		column(g, func(o *operation) []byte { return notNil(o.accept.entry.Headers) }),
		column(g, func(o *operation) []byte { return tracebytes.Append(nil, &o.accept.entry.Trace) }),
		column(g, func(o *operation) int64 { return entryBytes(o.accept.entry) }),
		column(g, func(o *operation) []byte { return o.accept.keyHash() }),
		column(g, func(o *operation) int32 { return o.accept.firstRun() })).Query(func(rows pgx.Rows) error {
		var id string
		var placed time.Time
		_, err := pgx.ForEachRow(rows, []any{&id, &placed}, func() error {
			o := byID[id]
			o.unresolved, o.accept.placed = false, placed
			if o.accept.hold {
				o.accept.heldBy = me
			}
			return nil
		})
		return err
	})
}

// keyHash returns the hash of its key; nil if it has none.
func (a *acceptance) keyHash() []byte {
	if a.key == nil {
		return nil
	}
	return a.key.hash[:]
}

// firstRun is the number of the run for which it is claimed as it is accepted; 0 = it is not.
func (a *acceptance) firstRun() int32 {
	if a.hold {
		return 1
	}
	return 0
}

// queueKeys takes the keys of the entries that have one.
func (g *group) queueKeys(j *Journal, b *pgx.Batch) {
	var hashes, digests, responses [][]byte
	var workflows, ids []string
	var until []int64
	for _, o := range g.ops {
		if r := o.accept.key; r != nil {
			hashes, digests, responses = append(hashes, r.hash[:]), append(digests, r.Key.Digest[:]), append(responses, r.Key.Response)
			workflows, ids = append(workflows, r.Workflow), append(ids, r.ID)
			until = append(until, time.Until(r.Key.Until).Microseconds())
		}
	}
	if len(hashes) == 0 {
		return
	}
	// In the order of the keys: machines that take the same ones do not wait for each other.
	b.Queue(j.sql(`insert into {s}.keys as k (key, workflow, digest, until, id, response, stored)
		select u.key, u.workflow, u.digest, clock_timestamp() + u.until * interval '1 microsecond', u.id, u.response, `+now+`
		from unnest($1::bytea[], $2::text[], $3::bytea[], $4::bigint[], $5::text[], $6::bytea[]) u (key, workflow, digest, until, id, response)
		order by u.key
		on conflict (key) do update set digest = excluded.digest, until = excluded.until, id = excluded.id, holder = excluded.holder,
			response = excluded.response, stored = excluded.stored
		where k.id = excluded.id or `+isFree, 0), hashes, workflows, digests, until, ids, responses)
	for _, o := range g.ops {
		if r := o.accept.key; r != nil {
			r.queueEvict(j, b)
		}
	}
}
