package store

import (
	"context"
	"hash/maphash"
	"time"

	"github.com/flowtrux/edge/internal/backoff"
)

const (
	// updateTries is how often an update is tried before it fails with ErrContended.
	updateTries = 50
	// The pauses between two tries, before jitter.
	firstUpdatePause = 4 * time.Millisecond
	lastUpdatePause  = 100 * time.Millisecond
)

// keyLocks serialize the updates of a key in this process, so that they contend with other
// processes only. Keys are distributed over the locks by their hash.
type keyLocks [64]chan struct{}

var keyLockSeed = maphash.MakeSeed()

func newKeyLocks() (l keyLocks) {
	for i := range l {
		l[i] = make(chan struct{}, 1)
	}
	return l
}

// lock takes the lock of a key. With an error there is nothing to unlock.
func (l *keyLocks) lock(ctx context.Context, key string) (unlock func(), err error) {
	lock := l[maphash.String(keyLockSeed, key)%uint64(len(l))]
	select {
	case lock <- struct{}{}:
		return func() { <-lock }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Update replaces the value of a key by the result of change; nil means that the key is missing.
// Concurrent writes, by this process or others, are not lost: change is called again with what they
// have written. After updateTries times Update returns ErrContended. An error of change ends the
// update with nothing written. The result of change must not be changed any more. Otherwise Update
// is like Write.
func (m *Mirror) Update(ctx context.Context, key string, change func(value []byte) ([]byte, error)) (int64, error) {
	revision, err := m.update(ctx, key, change)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	return revision, m.waitFor(ctx, revision)
}

func (m *Mirror) update(ctx context.Context, key string, change func(value []byte) ([]byte, error)) (int64, error) {
	unlock, err := m.keyLocks.lock(ctx, key)
	if err != nil {
		return 0, err
	}
	defer unlock()
	pauses := backoff.Exponential{First: firstUpdatePause, Max: lastUpdatePause, Jitter: 1}
	now, _ := m.Get(key) // this copy may be old: the first write then fails
	for try := range updateTries {
		if m.running.Err() != nil {
			return 0, ErrClosed
		}
		// No pause before the second try: the copy that the first one began with may be old.
		if try >= 2 {
			err = pauses.Wait(ctx)
		} else {
			err = ctx.Err()
		}
		if err != nil {
			return 0, err
		}
		var value []byte
		if now.Revision != 0 {
			value = now.Value
			if value == nil {
				value = []byte{}
			}
		}
		next := Entry{Key: key}
		if next.Value, err = change(value); err != nil {
			return 0, err
		}
		revision, current, err := m.engine.WriteIf(ctx, []Condition{{key, now.Revision}}, []Entry{next}, nil)
		if err != nil || current == nil {
			return revision, err
		}
		now = current[0]
	}
	return 0, ErrContended
}
