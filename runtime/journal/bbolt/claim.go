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

// liveEntry is an entry that has not ended, as memory holds it. It is in the queue, or waits for
// its timer, or has a holder. The journal's lock guards what changes.
type liveEntry struct {
	id        string
	workflow  string
	hour      uint32
	order     uint64 // in which entries of its workflow are claimed
	accepted  time.Time
	recovered bool           // it was accepted by an earlier process
	run       run            // as stored
	began     int64          // as run.began, but set when Begin is called; then it does not change
	entry     *journal.Entry // see keep; nil = it is read from the file

	holder *lease
	queued *fairqueue.Element[*liveEntry]
	timer  *time.Timer
}

func newLiveEntry(id, workflow string, accepted time.Time) (*liveEntry, error) {
	hour, err := hourOf(id)
	if err != nil {
		return nil, err
	}
	return &liveEntry{id: id, workflow: workflow, hour: hour, accepted: accepted}, nil
}

func (live *liveEntry) stopTimer() {
	if live.timer != nil {
		live.timer.Stop()
		live.timer = nil
	}
}

// The callers of the following methods hold the journal's lock.

// add adds an entry. It is not in the queue.
func (j *Journal) add(live *liveEntry) {
	j.order++
	live.order = j.order
	j.live[live.id] = live
	j.hours[live.hour]++
}

// drop removes an entry, if it is there.
func (j *Journal) drop(live *liveEntry) {
	if j.live[live.id] != live {
		return
	}
	delete(j.live, live.id)
	if j.hours[live.hour]--; j.hours[live.hour] == 0 {
		delete(j.hours, live.hour)
	}
	live.stopTimer()
	j.dequeue(live)
	j.takeKept(live)
	if live.holder != nil {
		delete(j.unmarked, live.holder)
	}
	live.holder = nil
}

// maxKept is the most bytes of entries that are kept.
const maxKept = 1 << 20

// keep keeps an accepted entry for its claim, which follows at once if there is a free worker.
// Those that do not fit are read from the file when they are claimed.
func (j *Journal) keep(live *liveEntry, e *journal.Entry) {
	if size := keptSize(e); len(e.Steps) == 0 && j.kept+size <= maxKept {
		own := *e
		own.Key = nil
		live.entry = &own
		j.kept += size
	}
}

// takeKept returns what is kept of an entry, and keeps it no longer; nil = nothing.
func (j *Journal) takeKept(live *liveEntry) *journal.Entry {
	e := live.entry
	if e != nil {
		j.kept -= keptSize(e)
		live.entry = nil
	}
	return e
}

func keptSize(e *journal.Entry) int {
	return len(e.Data) + len(e.Query) + len(e.Headers) + len(e.Document) + entrySpace
}

// enqueue makes an entry available to claims and wakes those that wait.
func (j *Journal) enqueue(live *liveEntry) {
	if j.enqueueQuietly(live) {
		j.wakeClaims()
	}
}

// enqueueQuietly is enqueue for many entries: wakeClaims is called after the last one.
func (j *Journal) enqueueQuietly(live *liveEntry) (added bool) {
	if j.closed || j.live[live.id] != live || live.queued != nil {
		return false
	}
	live.queued = j.queue.Add(live.workflow, live.order, live)
	return true
}

// dequeue takes an entry out of the queue, if it is in there.
func (j *Journal) dequeue(live *liveEntry) {
	if live.queued != nil {
		j.queue.Remove(live.queued)
		live.queued = nil
	}
}

// wakeClaims wakes the claims that wait for an entry.
func (j *Journal) wakeClaims() {
	close(j.wake)
	j.wake = make(chan struct{})
}

// Claim waits for an entry. While the file cannot be read, there is none.
func (j *Journal) Claim(ctx context.Context, except ...string) (journal.Lease, error) {
	for {
		if err := j.checkOpen(); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l, wake := j.leaseNext(except)
		if l != nil {
			if err := j.readLeased(l); err != nil {
				j.mu.Lock()
				l.release(unreadablePause)
				j.mu.Unlock()
				return nil, fmt.Errorf("reading execution %s: %w", l.live.id, err)
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

// unreadablePause is how long an entry that could not be read is left alone.
const unreadablePause = time.Second

// leaseNext leases the next entry of the queue. If there is none, it returns a channel that is
// closed when one is added.
func (j *Journal) leaseNext(except []string) (*lease, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, j.wake
	}
	live, ok := j.queue.Next(except)
	if !ok {
		return nil, j.wake
	}
	live.queued = nil
	live.holder = &lease{journal: j, live: live, entry: j.takeKept(live)}
	return live.holder, nil
}

// readLeased reads the entry of a lease, unless it was kept. Nothing runs while the file cannot be
// read: its end could not be stored.
func (j *Journal) readLeased(l *lease) error {
	if l.entry != nil {
		return j.checkReadable()
	}
	id := l.live.id
	return j.view(func(tx *bolt.Tx) error {
		e, err := readEntry(tx, id)
		if err != nil {
			return err
		}
		if e.Steps, err = readSteps(tx, id); err != nil {
			return err
		}
		row, err := readLive(id, bytes.Clone(tx.Bucket(bucketLive).Get([]byte(id))))
		if err != nil {
			return err
		}
		e.Source = row.Source
		e.Deaths = int(l.live.run.deaths)
		if l.live.began != 0 {
			e.Began = time.Unix(0, l.live.began).UTC()
		}
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
	v, err := p.sources.whole(p.sources.short.Get([]byte(id)))
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
	document, err := p.documents.whole(p.documents.short.Get(digest))
	if err != nil {
		return nil, err
	}
	e.Document = bytes.Clone(document)
	return e, nil
}

// putEntry stores what an entry is run from.
func (t *transaction) putEntry(hour uint32, e *journal.Entry, source []byte, digest [sha256.Size]byte) {
	p := t.part(hour)
	if t.err != nil {
		return
	}
	p.sources.put(t, []byte(e.ID), source)
	if p.documents.short.Get(digest[:]) == nil {
		p.documents.put(t, digest[:], e.Document)
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
	c := all.short.open().Cursor()
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
