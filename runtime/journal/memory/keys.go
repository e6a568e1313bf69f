package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

const (
	// MaxKeys is how many idempotency keys a Journal keeps until their time is over.
	MaxKeys = 100_000
	// MaxKeyBytes is what their responses may have together before nothing more is reserved.
	MaxKeyBytes = 256 << 20
)

// keys are the idempotency keys of a journal. They are guarded by its lock.
type keys struct {
	byName map[name]*key
	bytes  int // of responses
	sweep  int // how many keys there are when those that have expired are looked for again
}

// name is a key's name, and key what is kept of it.
type (
	name struct{ workflow, text string }
	key  struct {
		journal.Key
		id string
	}
)

// sweepFrom is the least number of keys among which expired ones are looked for.
const sweepFrom = 1000

// taken says why a key cannot be reserved.
func (k *keys) taken(r journal.Reservation) error {
	has := k.byName[name{r.Workflow, r.Key.Text}]
	switch {
	case has == nil || has.id == r.ID || !has.Until.After(time.Now()):
		return k.room()
	case has.Digest != r.Key.Digest:
		return journal.ErrKeyReused
	default:
		return &journal.DuplicateError{ID: has.id, Response: has.Response}
	}
}

// room says why no key can be added; nil when there is room.
func (k *keys) room() error {
	k.forgetExpired()
	if len(k.byName) >= MaxKeys || k.bytes >= MaxKeyBytes {
		return fmt.Errorf("%w: %d idempotency keys are kept, with %d bytes of responses", journal.ErrFull, len(k.byName), k.bytes)
	}
	return nil
}

// forgetExpired looks at each key, but only when there are twice as many as the last time.
func (k *keys) forgetExpired() {
	if len(k.byName) < max(k.sweep, sweepFrom) && k.bytes < MaxKeyBytes {
		return
	}
	now := time.Now()
	for n, has := range k.byName {
		if !has.Until.After(now) {
			k.drop(n)
		}
	}
	k.sweep = min(2*len(k.byName), MaxKeys)
}

// set keeps a key that is not taken.
func (k *keys) set(r journal.Reservation) {
	n := name{r.Workflow, r.Key.Text}
	k.drop(n)
	k.byName[n] = &key{Key: r.Key, id: r.ID}
	k.bytes += len(r.Key.Response)
}

func (k *keys) drop(n name) {
	if has := k.byName[n]; has != nil {
		k.bytes -= len(has.Response)
		delete(k.byName, n)
	}
}

// Reserve reserves a key as long as the process lives.
func (j *Journal) Reserve(_ context.Context, r journal.Reservation) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.shut {
		return journal.ErrClosed
	}
	if err := j.keys.taken(r); err != nil {
		return err
	}
	j.keys.set(r)
	j.writes++
	return nil
}

// Settle keeps the response of a key.
func (j *Journal) Settle(_ context.Context, r journal.Reservation, response []byte) error {
	r.Key.Response = append([]byte{}, response...)
	return j.ifOwn(r, func() { j.keys.set(r) })
}

// Free forgets a key.
func (j *Journal) Free(_ context.Context, r journal.Reservation) error {
	return j.ifOwn(r, func() { j.keys.drop(name{r.Workflow, r.Key.Text}) })
}

// ifOwn applies a change to a key that is r's.
func (j *Journal) ifOwn(r journal.Reservation, apply func()) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.shut {
		return journal.ErrClosed
	}
	if has := j.keys.byName[name{r.Workflow, r.Key.Text}]; has != nil && has.id == r.ID {
		apply()
		j.writes++
	}
	return nil
}
