package store

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
	"time"
)

const (
	// updateLanes is how many keys this process can update at a time. Those of one lane take turns,
	// so that they contend with other processes only.
	updateLanes = 64
	// updateTries is how often an update is tried before it fails with ErrContended.
	updateTries = 50
	// longestUpdatePause bounds the pause between two tries.
	longestUpdatePause = 100 * time.Millisecond
)

var laneSeed = maphash.MakeSeed()

// lanes are the turns of updates, by a hash of their keys.
type lanes [updateLanes]chan struct{}

func newLanes() (l lanes) {
	for i := range l {
		l[i] = make(chan struct{}, 1)
	}
	return l
}

// enter takes the turn of a key; leave gives it back.
func (l *lanes) enter(ctx context.Context, key string) (leave func(), err error) {
	lane := l[maphash.String(laneSeed, key)%updateLanes]
	select {
	case lane <- struct{}{}:
		return func() { <-lane }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Update replaces the value of a key by what change makes of it; nil = there is none. Nothing that
// others write meanwhile is lost, in this process or another one: change is called again with what
// they have written, ErrContended after updateTries times. An error of change ends it with nothing
// written. What change returns nobody may change any more. Otherwise Update is as Write.
func (m *Mirror) Update(ctx context.Context, key string, change func(value []byte) ([]byte, error)) (int64, error) {
	revision, err := m.update(ctx, key, change)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, seenWait)
	defer cancel()
	return revision, m.waitFor(ctx, revision)
}

func (m *Mirror) update(ctx context.Context, key string, change func(value []byte) ([]byte, error)) (int64, error) {
	leave, err := m.lanes.enter(ctx, key)
	if err != nil {
		return 0, err
	}
	defer leave()
	now, _ := m.Get(key) // it may be old: then Swap says so
	for try := range updateTries {
		if m.running.Err() != nil {
			return 0, ErrClosed
		}
		if err := pauseUpdate(ctx, try); err != nil {
			return 0, err
		}
		var value []byte
		if now.Revision != 0 {
			value = now.Value
			if value == nil {
				value = []byte{}
			}
		}
		next := Entry{Key: key, Revision: now.Revision}
		if next.Value, err = change(value); err != nil {
			return 0, err
		}
		var revision int64
		if revision, now, err = m.engine.Swap(ctx, next); err != nil || revision != 0 {
			return revision, err
		}
	}
	return 0, ErrContended
}

// pauseUpdate waits before a try: not before the first two, as the copy that the first begins with
// may be old, and then up to twice as long each time.
func pauseUpdate(ctx context.Context, try int) error {
	if try < 2 {
		return ctx.Err()
	}
	longest := min(time.Millisecond<<min(try, 10), longestUpdatePause)
	timer := time.NewTimer(rand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
