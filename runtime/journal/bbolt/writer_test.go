package bbolt

import (
	"context"
	"errors"
	"testing"

	"github.com/flowtrux/edge/runtime/journal"
)

// block queues an operation that holds up the writing goroutine until the returned function is
// called.
func block(t *testing.T, j *Journal) (begun <-chan struct{}, unblock func()) {
	t.Helper()
	started, blocked := make(chan struct{}), make(chan struct{})
	if _, err := j.enqueueWrite(t.Context(), &funcOp{do: func(*transaction) error {
		close(started)
		<-blocked
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	return started, func() { close(blocked) }
}

// TestAbandonedOperations: an operation whose caller has stopped waiting is not applied if it was
// still queued. If it was applied already, an adoption is reverted, and an acceptance stays.
func TestAbandonedOperations(t *testing.T) {
	accept := func(ctx context.Context, j *Journal, e *journal.Entry) error { return j.Accept(ctx, e) }
	adopt := func(ctx context.Context, j *Journal, e *journal.Entry) error {
		_, err := j.Adopt(ctx, e)
		return err
	}
	for _, c := range []struct {
		name    string
		do      func(context.Context, *Journal, *journal.Entry) error
		applied bool // before its caller stops waiting
		want    error
	}{
		{"accept, queued", accept, false, journal.ErrUnknown},
		{"accept, applied", accept, true, nil},
		{"adopt, queued", adopt, false, journal.ErrUnknown},
		{"adopt, applied", adopt, true, journal.ErrUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := open(t, path(t), roomy)
			e := entry(1, 10)
			begun, unblock := block(t, j)
			<-begun
			ctx, cancel := context.WithCancel(t.Context())
			result := make(chan error, 1)
			go func() { result <- c.do(ctx, j, e) }()
			eventually(t, "the operation is queued", func() bool { return len(j.requests) == 1 })
			if c.applied { // in one batch with an operation that blocks after it
				begun, unblockNext := block(t, j)
				unblock()
				<-begun
				unblock = unblockNext
			}
			cancel()
			if err := <-result; !errors.Is(err, context.Canceled) {
				t.Errorf("the caller got %v", err)
			}
			unblock()
			if err := j.do(t.Context(), &funcOp{do: func(*transaction) error { return nil }}); err != nil {
				t.Fatal(err) // whatever came before is done now
			}
			if _, err := j.Get(t.Context(), e.ID); !errors.Is(err, c.want) {
				t.Errorf("reading it: %v, want %v", err, c.want)
			}
			checkUsage(t, j)
		})
	}
}
