package memory

import (
	"container/list"
	"context"
	"fmt"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// MaxKeys is the most idempotency keys that a Journal holds, of all workflows.
const MaxKeys = 100_000

// keys are the idempotency keys of a journal. Its lock guards them.
type keys struct {
	byName     map[name]*key
	byWorkflow map[string]*workflowKeys
	responses  list.List // of *key: those with a stored response, the oldest first
	bytes      int64     // of responses
	most       int64     // most of bytes
	sweep      int       // the number of keys at which expired ones are dropped
	swept      time.Time // when they were dropped last
}

// workflowKeys are the keys of one workflow.
type workflowKeys struct {
	count     int
	responses list.List // as in keys
	bytes     int64
}

// name identifies a key, and key is what is stored of it.
type (
	name struct{ workflow, text string }
	key  struct {
		journal.Key
		name           name
		id             string
		inAll, inOwner *list.Element // of responses; nil = there is no response, or it was evicted
	}
)

// minSweep is the least number of keys at which expired ones are dropped.
const minSweep = 1000

func newKeys(most int64) keys {
	return keys{byName: make(map[name]*key), byWorkflow: make(map[string]*workflowKeys), most: most}
}

// check returns why a key cannot be reserved.
func (k *keys) check(r journal.Reservation) error {
	has := k.byName[name{r.Workflow, r.Key.Text}]
	switch {
	case has == nil:
		return k.room(r.Workflow)
	case has.id == r.ID || !has.Until.After(time.Now()):
		return nil
	case has.Digest != r.Key.Digest:
		return journal.ErrKeyReused
	default:
		return &journal.DuplicateError{ID: has.id, Response: has.Response}
	}
}

// sweepEvery is how often expired keys are dropped at most while there is no room for another one.
const sweepEvery = time.Second

// room returns why a workflow can have no further key; nil if it can. Dropping expired keys makes
// room, but looks at each key: that is done only when there are twice as many as after the last
// time, or none fits.
func (k *keys) room(workflow string) error {
	full := k.full(workflow)
	if len(k.byName) >= max(k.sweep, minSweep) || full != nil && time.Since(k.swept) >= sweepEvery {
		k.dropExpired()
		full = k.full(workflow)
	}
	return full
}

// full returns which bound another key of a workflow would exceed.
func (k *keys) full(workflow string) error {
	if len(k.byName) >= MaxKeys {
		return fmt.Errorf("%w: %d idempotency keys are stored", journal.ErrFull, len(k.byName))
	}
	if own := k.byWorkflow[workflow]; own != nil && own.count >= journal.Share(MaxKeys) {
		return fmt.Errorf("%w: %d idempotency keys of the workflow are stored, its share of %d is %d",
			journal.ErrFull, own.count, MaxKeys, journal.Share(MaxKeys))
	}
	return nil
}

func (k *keys) dropExpired() {
	now := time.Now()
	k.swept = now
	for n, has := range k.byName {
		if !has.Until.After(now) {
			k.drop(n)
		}
	}
	k.sweep = 2 * len(k.byName)
}

// set stores a key that is free. Older responses are evicted for its response: those of the
// workflow if it is at its share, then those of all. A response that is larger than the share is
// not stored.
func (k *keys) set(r journal.Reservation) {
	n := name{r.Workflow, r.Key.Text}
	k.drop(n)
	own := k.byWorkflow[r.Workflow]
	if own == nil {
		own = new(workflowKeys)
		k.byWorkflow[r.Workflow] = own
	}
	own.count++
	has := &key{Key: r.Key, name: n, id: r.ID}
	k.byName[n] = has
	size := int64(len(r.Key.Response))
	if size == 0 {
		return
	}
	share := journal.Share(k.most)
	if size > share {
		has.Response = []byte{}
		return
	}
	for own.bytes+size > share {
		k.dropResponse(own.responses.Front().Value.(*key))
	}
	for k.bytes+size > k.most {
		k.dropResponse(k.responses.Front().Value.(*key))
	}
	has.inAll, has.inOwner = k.responses.PushBack(has), own.responses.PushBack(has)
	k.bytes += size
	own.bytes += size
}

// dropResponse evicts a stored response. Its key stays.
func (k *keys) dropResponse(has *key) {
	if has.inAll == nil {
		return
	}
	own := k.byWorkflow[has.name.workflow]
	k.responses.Remove(has.inAll)
	own.responses.Remove(has.inOwner)
	has.inAll, has.inOwner = nil, nil
	k.bytes -= int64(len(has.Response))
	own.bytes -= int64(len(has.Response))
	has.Response = []byte{}
}

func (k *keys) drop(n name) {
	has := k.byName[n]
	if has == nil {
		return
	}
	k.dropResponse(has)
	delete(k.byName, n)
	own := k.byWorkflow[n.workflow]
	if own.count--; own.count == 0 {
		delete(k.byWorkflow, n.workflow)
	}
}

// Reserve reserves a key for as long as the process lives.
func (j *Journal) Reserve(_ context.Context, r journal.Reservation) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return journal.ErrClosed
	}
	if err := j.keys.check(r); err != nil {
		return err
	}
	j.keys.set(r)
	j.writes++
	return nil
}

// Settle stores the response of a key.
func (j *Journal) Settle(_ context.Context, r journal.Reservation, response []byte) error {
	r.Key.Response = append([]byte{}, response...)
	return j.ifOwn(r, func() { j.keys.set(r) })
}

// Free deletes a key.
func (j *Journal) Free(_ context.Context, r journal.Reservation) error {
	return j.ifOwn(r, func() { j.keys.drop(name{r.Workflow, r.Key.Text}) })
}

// ifOwn applies a change to a key, if the key belongs to r.
func (j *Journal) ifOwn(r journal.Reservation, apply func()) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return journal.ErrClosed
	}
	if has := j.keys.byName[name{r.Workflow, r.Key.Text}]; has != nil && has.id == r.ID {
		apply()
		j.writes++
	}
	return nil
}
