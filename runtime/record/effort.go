package record

import (
	"context"
	"errors"
)

// maxEffort bounds the work for one record, in bytes that are read or written. What takes longer is
// counted as the bytes that would take as long. All of it takes some tenths of a second of a slow
// core.
const maxEffort = 64 << 20

// effort is the work that may still be done for a record. Once it is over it stays over: what the
// record shows depends on what was found before.
type effort struct {
	ctx  context.Context // the work is over when it ends
	left int
}

func newEffort(ctx context.Context) *effort { return &effort{ctx, maxEffort} }

// Spend implements secret.Effort: it takes n bytes of work and reports whether there were as many
// left.
func (e *effort) Spend(n int) bool {
	if e.left -= n; e.left >= 0 && e.ctx.Err() != nil {
		e.left = -1
	}
	return !e.over()
}

func (e *effort) over() bool { return e.left < 0 }

// errEffort is the error of resolving when the effort is over.
var errEffort = errors.New("a record takes too much work")

// Work implements flow.Meter.
func (e *effort) Work(n int) error {
	if !e.Spend(n) {
		return errEffort
	}
	return nil
}
