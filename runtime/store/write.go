package store

import (
	"context"
	"fmt"
)

// Write puts and deletes in one transaction. It returns the revision when this mirror has applied
// it to its subscribers, or the error of ctx. The values must not be changed any more. After an
// error that is not one of this package, the write may have happened. If only missing keys were
// deleted, the revision is that of the content.
func (m *Mirror) Write(ctx context.Context, put []Entry, del []string) (int64, error) {
	if n := len(put) + len(del); n > MaxOps {
		return 0, fmt.Errorf("%w: %d keys at once, the most is %d", ErrTooLarge, n, MaxOps)
	} else if n == 0 {
		return m.Status().Revision, nil
	}
	if m.running.Err() != nil {
		return 0, ErrClosed
	}
	revision, err := m.engine.Write(ctx, put, del)
	if err != nil {
		return 0, err
	}
	if revision == 0 {
		return m.Status().Revision, nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	return revision, m.waitFor(ctx, revision)
}

// waitFor waits until all subscribers have a revision.
func (m *Mirror) waitFor(ctx context.Context, revision int64) error {
	for {
		m.mu.Lock()
		applied, live, changed := m.appliedRevision, m.live, m.applied
		m.mu.Unlock()
		if live && applied >= revision {
			return nil
		}
		select {
		case <-changed:
		case <-m.running.Done():
			return fmt.Errorf("waiting for revision %d, which was written: %w", revision, ErrClosed)
		case <-ctx.Done():
			return fmt.Errorf("waiting for revision %d, which was written: %w", revision, ctx.Err())
		}
	}
}
