package bbolt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/internal/fairqueue"
	"github.com/flowtrux/edge/runtime/journal"
)

// item is an entry that has not ended: what is kept of it in memory. It is in the queue, or it
// waits for its timer, or it has a holder. The journal's lock guards what changes.
type item struct {
	id        string
	workflow  string
	hour      uint32
	order     uint64 // in which entries of its workflow are claimed
	accepted  time.Time
	recovered bool // it was not accepted by this process
	run       run

	holder *lease
	place  *fairqueue.Element[*item] // in the queue
	timer  *time.Timer
}

func newItem(id, workflow string, accepted time.Time) (*item, error) {
	hour, err := hourOf(id)
	if err != nil {
		return nil, err
	}
	return &item{id: id, workflow: workflow, hour: hour, accepted: accepted}, nil
}

func (it *item) stopTimer() {
	if it.timer != nil {
		it.timer.Stop()
		it.timer = nil
	}
}

// add, drop and push change what is held in memory. The caller holds the lock.
func (j *Journal) add(it *item) {
	j.order++
	it.order = j.order
	j.live[it.id] = it
	j.hours[it.hour]++
}

func (j *Journal) drop(it *item) {
	if j.live[it.id] != it {
		return
	}
	delete(j.live, it.id)
	if j.hours[it.hour]--; j.hours[it.hour] == 0 {
		delete(j.hours, it.hour)
	}
	it.stopTimer()
	j.unqueue(it)
	it.holder = nil
}

// push puts an item into its place in the queue and wakes who waits.
func (j *Journal) push(it *item) {
	if j.enqueue(it) {
		j.awaken()
	}
}

// enqueue is push for many items: awaken is called after the last one. The caller holds the lock.
func (j *Journal) enqueue(it *item) (changed bool) {
	if j.shut || j.live[it.id] != it || it.place != nil {
		return false
	}
	it.place = j.queue.Add(it.workflow, it.order, it)
	return true
}

// unqueue takes an item out of the queue, if it is in there. The caller holds the lock.
func (j *Journal) unqueue(it *item) {
	if it.place != nil {
		j.queue.Remove(it.place)
		it.place = nil
	}
}

// awaken wakes who waits for something to claim. The caller holds the lock.
func (j *Journal) awaken() {
	close(j.wake)
	j.wake = make(chan struct{})
}

// Claim waits for an entry. While the file cannot be read, there is none.
func (j *Journal) Claim(ctx context.Context, except ...string) (journal.Lease, error) {
	for {
		if err := j.usable(); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l, wake := j.take(except)
		if l != nil {
			if err := j.read(l); err != nil {
				j.mu.Lock()
				l.giveBack(claimRetry)
				j.mu.Unlock()
				return nil, fmt.Errorf("reading execution %s: %w", l.item.id, err)
			}
			return l, nil
		}
		select {
		case <-wake:
		case <-j.quit:
			return nil, journal.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// claimRetry is how long an entry rests that could not be read.
const claimRetry = time.Second

// take leases the next item of the queue, or returns what tells of another one.
func (j *Journal) take(except []string) (*lease, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.shut {
		return nil, j.wake
	}
	it, ok := j.queue.Next(except)
	if !ok {
		return nil, j.wake
	}
	it.place = nil
	it.holder = &lease{journal: j, item: it}
	return it.holder, nil
}

// read reads the entry of a lease.
func (j *Journal) read(l *lease) error {
	id := l.item.id
	return j.view(func(tx *bolt.Tx) error {
		e, err := readEntry(tx, id)
		if err != nil {
			return err
		}
		if e.Steps, err = readSteps(tx, id); err != nil {
			return err
		}
		e.Deaths = int(l.item.run.deaths)
		l.entry = e
		return nil
	})
}

// readEntry reads an entry as it was accepted, without its steps.
func readEntry(tx *bolt.Tx, id string) (*journal.Entry, error) {
	hour, err := hourOf(id)
	if err != nil {
		return nil, err
	}
	p := readPart(tx, hour)
	if p == nil {
		return nil, journal.ErrUnknown
	}
	v, err := p.src.whole(p.src.short.Get([]byte(id)))
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, journal.ErrUnknown
	}
	e, digest, err := readSource(id, v)
	if err != nil {
		return nil, err
	}
	document, err := p.doc.whole(p.doc.short.Get(digest))
	if err != nil {
		return nil, err
	}
	e.Document = bytes.Clone(document)
	return e, nil
}

// putEntry keeps what an entry is run from.
func (t *transaction) putEntry(hour uint32, e *journal.Entry, source []byte, digest [sha256.Size]byte) {
	p := t.part(hour)
	if t.err != nil {
		return
	}
	p.src.put(t, []byte(e.ID), source)
	if p.doc.short.Get(digest[:]) == nil {
		p.doc.put(t, digest[:], e.Document)
	}
}

// stepOrder is a step with its place.
type stepOrder struct {
	seq int64
	journal.Step
}

// readStep reads the step of a node. It is a copy.
func readStep(in values, node string, v []byte) (s stepOrder, err error) {
	v, err = in.whole(v)
	if err != nil {
		return s, err
	}
	r := reader{rest: bytes.Clone(v)}
	s = stepOrder{seq: r.number(), Step: journal.Step{Node: node, Handle: r.text(), Output: r.bytes()}}
	return s, r.err
}

func readSteps(tx *bolt.Tx, id string) ([]journal.Step, error) {
	var found []stepOrder
	all := valuesIn(tx, bucketSteps)
	c := all.short.Cursor()
	prefix := []byte(id)
	for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		s, err := readStep(all, string(k[len(prefix):]), v)
		if err != nil {
			return nil, err
		}
		found = append(found, s)
	}
	slices.SortFunc(found, func(a, b stepOrder) int { return int(a.seq - b.seq) })
	var steps []journal.Step
	for _, s := range found {
		steps = append(steps, s.Step)
	}
	return steps, nil
}
