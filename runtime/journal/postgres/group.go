package postgres

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// kind is what operations of a group have in common.
type kind uint8

const (
	single kind = iota // not in a group
	accepting
	checkpointing
	finishing
)

// group are operations of one kind in the tables of one hour. They share one call of a
// function.
type group struct {
	kind kind
	hour uint32
	ops  []*operation
}

// groupsOf divides operations into groups and those that stand alone. These are in the order of
// what they lock: machines that lock the same keys or entries do not wait for each other in turn.
func (j *Journal) groupsOf(batch []*operation) (groups []*group, others []*operation) {
	type of struct {
		kind kind
		hour uint32
	}
	found := make(map[of]*group)
	for _, o := range batch {
		if o.kind == single || o.kind == accepting && !o.isNew() {
			others = append(others, o)
			continue
		}
		g := found[of{o.kind, o.hour}]
		if g == nil {
			g = &group{kind: o.kind, hour: o.hour}
			found[of{o.kind, o.hour}] = g
			groups = append(groups, g)
		}
		g.ops = append(g.ops, o)
	}
	slices.SortStableFunc(others, func(a, b *operation) int { return strings.Compare(a.locks(), b.locks()) })
	return groups, others
}

// locks returns the key or the id that an operation locks for others; "" = none.
func (o *operation) locks() string {
	if len(o.names) == 0 {
		return ""
	}
	return o.names[len(o.names)-1]
}

// isNew reports whether an acceptance can be in a group.
func (o *operation) isNew() bool {
	a := o.accept
	return !o.alone && a.refused == nil && !a.adopted && len(a.entry.Steps) == 0
}

// column returns a value of each operation.
func column[T any](g *group, of func(*operation) T) []T {
	all := make([]T, len(g.ops))
	for i, o := range g.ops {
		all[i] = of(o)
	}
	return all
}

func (g *group) queue(j *Journal, b *pgx.Batch) {
	switch g.kind {
	case accepting:
		g.queueAcceptances(j, b)
	case checkpointing:
		g.queueCheckpoints(j, b)
	case finishing:
		g.queueEndings(j, b)
	}
}
