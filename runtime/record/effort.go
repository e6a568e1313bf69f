package record

import (
	"context"
	"errors"
)

// maxEffort bounds the work for one record, in bytes read or written. Slower work counts as the
// bytes that would take as long. All of it takes some tenths of a second on a slow core.
const maxEffort = 64 << 20

// effort is the work left for a record. Once over, it stays over: later parts of the record depend
// on the secrets found before.
type effort struct {
	ctx  context.Context // its end ends the work
	left int
}

func newEffort(ctx context.Context) *effort { return &effort{ctx, maxEffort} }

// Spend implements secret.Effort. It takes n bytes of work and reports whether that many were left.
func (e *effort) Spend(n int) bool {
	if e.left -= n; e.left >= 0 && e.ctx.Err() != nil {
		e.left = -1
	}
	return !e.over()
}

func (e *effort) over() bool { return e.left < 0 }

// errEffort is the error of resolving once the effort is over.
var errEffort = errors.New("a record takes too much work")

// Work implements flow.Meter.
func (e *effort) Work(n int) error {
	if !e.Spend(n) {
		return errEffort
	}
	return nil
}
