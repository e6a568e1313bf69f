package memory

import (
	"container/list"
	"context"
	"fmt"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// MaxKeys is how many idempotency keys a Journal keeps until their time is over, of all workflows.
const MaxKeys = 100_000

// keys are the idempotency keys of a journal. They are guarded by its lock.
type keys struct {
	byName     map[name]*key
	byWorkflow map[string]*keysOf
	kept       list.List // of *key: those with a response, the one that is kept longest first
	bytes      int64     // of responses
	most       int64     // bytes of responses
	sweep      int       // at how many keys those that have expired are looked for
	swept      time.Time // when they were
}

// keysOf are the keys of one workflow.
type keysOf struct {
	count int
	kept  list.List // as in keys
	bytes int64
}

// name is a key's name, and key what is kept of it.
type (
	name struct{ workflow, text string }
	key  struct {
		journal.Key
		name           name
		id             string
		inAll, inOwner *list.Element // of kept; nil = there is no response, or it has gone
	}
)

// sweepFrom is the least number of keys among which expired ones are looked for.
const sweepFrom = 1000

func newKeys(most int64) keys {
	return keys{byName: make(map[name]*key), byWorkflow: make(map[string]*keysOf), most: most}
}

// taken says why a key cannot be reserved.
func (k *keys) taken(r journal.Reservation) error {
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

// sweepEvery is how often they are looked for at most when there is no room for another one.
const sweepEvery = time.Second

// room says why a workflow can have no other key; nil when there is room. Those that have expired
// make it, which takes a look at each key: only when there are twice as many as the last time, or
// none fits.
func (k *keys) room(workflow string) error {
	full := k.full(workflow)
	if len(k.byName) >= max(k.sweep, sweepFrom) || full != nil && time.Since(k.swept) >= sweepEvery {
		k.forgetExpired()
		full = k.full(workflow)
	}
	return full
}

// full says which bound another key of a workflow would be over.
func (k *keys) full(workflow string) error {
	if len(k.byName) >= MaxKeys {
		return fmt.Errorf("%w: %d idempotency keys are kept", journal.ErrFull, len(k.byName))
	}
	if own := k.byWorkflow[workflow]; own != nil && own.count >= journal.Share(MaxKeys) {
		return fmt.Errorf("%w: %d idempotency keys of the workflow are kept, its share of %d is %d",
			journal.ErrFull, own.count, MaxKeys, journal.Share(MaxKeys))
	}
	return nil
}

func (k *keys) forgetExpired() {
	now := time.Now()
	k.swept = now
	for n, has := range k.byName {
		if !has.Until.After(now) {
			k.drop(n)
		}
	}
	k.sweep = 2 * len(k.byName)
}

// set keeps a key that is not taken. For its response older ones make way: of the workflow when it
// is at its share, then of all; one that is too large is not kept.
func (k *keys) set(r journal.Reservation) {
	n := name{r.Workflow, r.Key.Text}
	k.drop(n)
	own := k.byWorkflow[r.Workflow]
	if own == nil {
		own = new(keysOf)
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
		k.dropResponse(own.kept.Front().Value.(*key))
	}
	for k.bytes+size > k.most {
		k.dropResponse(k.kept.Front().Value.(*key))
	}
	has.inAll, has.inOwner = k.kept.PushBack(has), own.kept.PushBack(has)
	k.bytes += size
	own.bytes += size
}

// dropResponse forgets a response that is kept. Its key stays.
func (k *keys) dropResponse(has *key) {
	if has.inAll == nil {
		return
	}
	own := k.byWorkflow[has.name.workflow]
	k.kept.Remove(has.inAll)
	own.kept.Remove(has.inOwner)
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
