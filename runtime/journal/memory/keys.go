package memory

import (
	"context"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// name is a key's name, and key what is kept of it.
type (
	name struct{ workflow, text string }
	key  struct {
		journal.Key
		id string
	}
)

// sweepFrom is how many keys there are before those that have expired are looked for.
const sweepFrom = 1000

// reserve keeps a key. The caller holds the lock.
func (j *Journal) reserve(r journal.Reservation) error {
	now := time.Now()
	n := name{r.Workflow, r.Key.Text}
	if k := j.keys[n]; k != nil && k.Until.After(now) && k.id != r.ID {
		if k.Digest != r.Key.Digest {
			return journal.ErrKeyReused
		}
		return &journal.DuplicateError{ID: k.id, Response: k.Response}
	}
	if len(j.keys) >= sweepFrom {
		for n, k := range j.keys {
			if !k.Until.After(now) {
				delete(j.keys, n)
			}
		}
	}
	j.keys[n] = &key{Key: r.Key, id: r.ID}
	j.writes++
	return nil
}

// Reserve reserves a key as long as the process lives.
func (j *Journal) Reserve(_ context.Context, r journal.Reservation) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.shut {
		return journal.ErrClosed
	}
	return j.reserve(r)
}

// Settle keeps the response of a key.
func (j *Journal) Settle(_ context.Context, r journal.Reservation, response []byte) error {
	return j.change(r, func(k *key) { k.Response = append([]byte{}, response...) })
}

// Free forgets a key.
func (j *Journal) Free(_ context.Context, r journal.Reservation) error {
	return j.change(r, func(*key) { delete(j.keys, name{r.Workflow, r.Key.Text}) })
}

// change applies a change to a key that is r's.
func (j *Journal) change(r journal.Reservation, apply func(*key)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.shut {
		return journal.ErrClosed
	}
	if k := j.keys[name{r.Workflow, r.Key.Text}]; k != nil && k.id == r.ID {
		apply(k)
		j.writes++
	}
	return nil
}
