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
	revision, _, err := m.WriteIf(ctx, nil, put, del)
	return revision, err
}

// WriteIf is Write if all conditions hold in the store, whatever this mirror's copy says, and now
// is nil. Otherwise it writes nothing, and now is the current entry of each condition's key, as
// that of Engine.WriteIf. This mirror has then applied these entries, except that a missing key may
// still be in its copy.
func (m *Mirror) WriteIf(
	ctx context.Context, conditions []Condition, put []Entry, del []string,
) (revision int64, now []Entry, err error) {
	if n := max(len(put)+len(del), len(conditions)); n > MaxOps {
		return 0, nil, fmt.Errorf("%w: %d keys at once, the most is %d", ErrTooLarge, n, MaxOps)
	}
	if len(put)+len(del) == 0 {
		return m.Status().Revision, nil, nil
	}
	if m.running.Err() != nil {
		return 0, nil, ErrClosed
	}
	revision, now, err = m.engine.WriteIf(ctx, conditions, put, del)
	if err != nil {
		return 0, nil, err
	}
	if revision == 0 && now == nil {
		return m.Status().Revision, nil, nil
	}
	until := revision
	for _, e := range now {
		until = max(until, e.Revision)
	}
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	return revision, now, m.waitFor(ctx, until)
}

// Reach waits until this mirror has applied a revision that the store has, for example because
// another server has told it. It returns the error of ctx if that ends first.
func (m *Mirror) Reach(ctx context.Context, revision int64) error { return m.waitFor(ctx, revision) }

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
			return fmt.Errorf("waiting for revision %d, which the store has: %w", revision, ErrClosed)
		case <-ctx.Done():
			return fmt.Errorf("waiting for revision %d, which the store has: %w", revision, ctx.Err())
		}
	}
}
