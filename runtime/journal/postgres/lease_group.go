package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// checkpoint is a step on its way into the database.
type checkpoint struct {
	lease *lease
	step  journal.Step
	bytes int64 // of the entry, with the step
	began int64 // the first run of the entry
}

// Checkpoint stores a step.
func (l *lease) Checkpoint(ctx context.Context, s journal.Step) error {
	if err := l.checkHeld(leaseHeld); err != nil {
		return err
	}
	l.mu.Lock()
	began := l.begin()
	l.mu.Unlock()
	j, o, c := l.journal, l.operation(), &checkpoint{lease: l, step: s, began: began}
	o.kind, o.step = checkpointing, c
	before, had := 0, false
	more := amount{}
	o.check = func() error {
		before, had = l.steps[s.Node]
		more = amount{work: int64(stepBytes(s) - before)}
		if err := j.checkUsage(l.entry.Workflow, more); err != nil {
			return err
		}
		j.usage.add(l.entry.Workflow, more)
		l.bytes += more.work
		l.steps[s.Node] = stepBytes(s)
		c.bytes = l.bytes
		return nil
	}
	o.committed = func(err error, _ bool) {
		if err == nil || errors.Is(err, journal.ErrCancelled) {
			return
		}
		j.usage.add(l.entry.Workflow, more.negative())
		l.bytes -= more.work
		if l.steps[s.Node] = before; !had {
			delete(l.steps, s.Node)
		}
	}
	return j.do(ctx, o)
}

// checkpointGroup stores steps of entries whose leases hold, and returns these entries.
var checkpointGroup = newFunction("checkpoint", "integer, text[], bigint[], integer[], bigint[], text[], text[], bytea[], bigint[], text", "held text, is_cancelled boolean",
	`with u as materialized (
			select * from unnest($2, $3, $4, $5, $6, $7, $8, $9) u (id, holder, run, bytes, node, handle, output, began)),
		own as (update {s}.pending_{h} p set begun = true, began = coalesce(p.began, u.began), bytes = u.bytes from u
			where p.id = u.id and p.holder = u.holder and p.run = u.run returning p.id, p.cancelled),
		step as (insert into {s}.steps_{h} (hour, id, node, seq, handle, output, machine)
			select $1, u.id, u.node, (select count(*) from {s}.steps_{h} s where s.id = u.id), u.handle, u.output, $10
			from u where `+isIn("own")+`
			on conflict (hour, id, node) do update set handle = excluded.handle, output = excluded.output, machine = excluded.machine)
		select id, cancelled from own`)

// queueCheckpoints stores steps. They are of different entries.
func (g *group) queueCheckpoints(j *Journal, b *pgx.Batch) {
	byID := make(map[string]*operation, len(g.ops))
	for _, o := range g.ops {
		byID[o.step.lease.entry.ID], o.result = o, journal.ErrLeaseLost
	}
	b.Queue(j.sql(checkpointGroup.call, g.hour), int32(g.hour),
		column(g, func(o *operation) string { return o.step.lease.entry.ID }),
		column(g, func(o *operation) int64 { return o.step.lease.incarnation }),
		column(g, func(o *operation) int32 { return int32(o.step.lease.run) }),
		column(g, func(o *operation) int64 { return o.step.bytes }),
		column(g, func(o *operation) string { return o.step.step.Node }),
		column(g, func(o *operation) string { return o.step.step.Handle }),
		column(g, func(o *operation) []byte { return notNil(o.step.step.Output) }),
		column(g, func(o *operation) int64 { return o.step.began }), j.options.Machine).
		Query(func(rows pgx.Rows) error {
			var id string
			var cancelled bool
			_, err := pgx.ForEachRow(rows, []any{&id, &cancelled}, func() error {
				if byID[id].result = nil; cancelled {
					byID[id].result = journal.ErrCancelled
				}
				return nil
			})
			return err
		})
}

// ending is the end of an entry on its way into the database.
type ending struct {
	lease *lease
	row   recordRow
}

// Finish replaces the entry by its record.
func (l *lease) Finish(ctx context.Context, r *journal.Record) error {
	full := *r
	l.entry.Complete(&full.Summary)
	full.Machine, full.Nodes = l.machine, l.withMachines(r.Nodes)
	row, err := recordRowIn(l.hour, &full) // somebody may have changed its id
	if err != nil {
		return err
	}
	if err := l.checkHeld(leaseFinished); err != nil {
		return err
	}
	o := l.operation()
	o.kind, o.ending = finishing, &ending{l, row}
	o.committed = func(err error, _ bool) { l.ended(err, leaseFinished) }
	return l.journal.do(ctx, o)
}

// withMachines returns the nodes of a record with the machines that ran them, as far as these are
// others than the one that accepted the entry.
func (l *lease) withMachines(nodes []journal.NodeRecord) []journal.NodeRecord {
	me, copied := l.journal.options.Machine, false
	for i := range nodes {
		machine := l.ran[nodes[i].ID]
		if !nodes[i].StartedAt.IsZero() { // it ran now
			machine = me
		}
		if machine == "" || machine == l.machine {
			continue
		}
		if !copied { // they are the caller's
			nodes, copied = slices.Clone(nodes), true
		}
		nodes[i].Machine = machine
	}
	return nodes
}

// finishGroup replaces entries whose leases hold by their records, and returns those of which the
// record is there.
var finishGroup = newFunction("finish", "integer, text[], text[], text[], text[], bytea[], bytea[], bigint[], integer[]", "finished text",
	`with u as materialized (
			select * from unnest($2, $3, $4, $5, $6, $7, $8, $9) u (id, workflow, status, source, summary, details, holder, run)),
		gone as (delete from {s}.pending_{h} p using u where p.id = u.id and p.holder = u.holder and p.run = u.run returning p.id),
		record as (insert into {s}.records_{h} `+recordColumns+`
			select $1, u.id, u.workflow, u.status, u.source, u.summary, u.details, u.holder, u.run
			from u where `+isIn("gone")+recordUpdate+`)
		select id from gone
		union all select r.id from u join {s}.records_{h} r on r.id = u.id and r.holder = u.holder and r.run = u.run`)

// queueEndings replaces entries by their records.
func (g *group) queueEndings(j *Journal, b *pgx.Batch) {
	var withSteps []string
	byID := make(map[string]*operation, len(g.ops))
	for _, o := range g.ops {
		id := o.ending.row.id
		byID[id], o.result = o, journal.ErrLeaseLost
		if len(o.ending.lease.steps) > 0 {
			withSteps = append(withSteps, id)
		}
	}
	b.Queue(j.sql(finishGroup.call, g.hour), int32(g.hour),
		column(g, func(o *operation) string { return o.ending.row.id }),
		column(g, func(o *operation) string { return o.ending.row.workflow }),
		column(g, func(o *operation) string { return o.ending.row.status }),
		column(g, func(o *operation) string { return o.ending.row.source }),
		column(g, func(o *operation) []byte { return o.ending.row.summary }),
		column(g, func(o *operation) []byte { return o.ending.row.details }),
		column(g, func(o *operation) int64 { return o.ending.lease.incarnation }),
		column(g, func(o *operation) int32 { return int32(o.ending.lease.run) })).
		Query(func(rows pgx.Rows) error {
			var id string
			_, err := pgx.ForEachRow(rows, []any{&id}, func() error {
				byID[id].result = nil
				return nil
			})
			return err
		})
	if len(withSteps) > 0 {
		b.Queue(j.sql(`delete from {s}.steps_{h} s where id = any($1::text[])
			and not exists(select from {s}.pending_{h} p where p.id = s.id)`, g.hour), withSteps)
	}
}
