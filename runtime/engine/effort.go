package engine

import (
	"context"
	"errors"
)

// recordEffort bounds the work for one record, in bytes that are read or written and, for what
// takes longer than that, as many as take as long: some tenths of a second of a slow core.
const recordEffort = 64 << 20

// effort is the work that may still be done for a record. Once it is over it stays so: what the
// record shows depends on what was found before.
type effort struct {
	ctx  context.Context // the work is over when it ends
	left int
}

func newEffort(ctx context.Context) *effort { return &effort{ctx, recordEffort} }

// Spend implements secret.Effort: it takes n bytes of work and reports whether there were as many.
func (e *effort) Spend(n int) bool {
	if e.left -= n; e.left >= 0 && e.ctx.Err() != nil {
		e.left = -1
	}
	return !e.over()
}

func (e *effort) over() bool { return e.left < 0 }

// errEffort ends resolving for a record.
var errEffort = errors.New("a record takes too much work")

// Work implements flow.Meter.
func (e *effort) Work(n int) error {
	if !e.Spend(n) {
		return errEffort
	}
	return nil
}
