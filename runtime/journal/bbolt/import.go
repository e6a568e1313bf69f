package bbolt

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/flowtrux/edge/runtime/journal"
)

// Import implements journal.Portable.
func (j *Journal) Import(ctx context.Context, move string, items []journal.Item) (journal.Progress, error) {
	o := &importOp{baseOp: baseOp{needsRoom: true}, journal: j, move: []byte(move), items: make([]importItem, len(items))}
	documents := make(map[[sha256.Size]byte]bool)
	for n := range items {
		i := &o.items[n]
		i.Item = items[n]
		if err := i.encode(j); err != nil {
			return journal.Progress{}, err
		}
		o.bytes += i.bytes
		if e := i.entry(); e != nil && !documents[i.digest] {
			documents[i.digest] = true
			o.bytes += len(e.Document)
		}
	}
	if len(items) == 0 {
		o.needsRoom = false
	}
	if err := j.do(ctx, o); err != nil {
		return journal.Progress{}, err
	}
	return o.progress, o.stopped
}

// importItem is an item as it is stored.
type importItem struct {
	journal.Item
	accept *acceptOp // of a pending entry
	record putRow    // of an ended one
	digest [sha256.Size]byte
	bytes  int // without the document
}

// entry returns what the item is run from; nil = nothing.
func (i *importItem) entry() *journal.Entry {
	if i.Record != nil {
		return i.Record.Source
	}
	return i.Pending
}

func (i *importItem) encode(j *Journal) (err error) {
	switch {
	case i.Key != nil:
		i.bytes = keySpace + len(i.Key.Response)
	case i.Record != nil:
		i.record, err = newPutRow(*i.Record)
		i.digest, i.bytes = i.record.digest, len(i.record.record)+len(i.record.source)
	default:
		e := *i.Pending
		e.Key = nil
		i.accept, err = j.newAcceptOp(&e)
		if err != nil {
			return err
		}
		i.digest, i.bytes = i.accept.digest, len(i.accept.source)
		for _, s := range e.Steps {
			i.bytes += len(s.Output)
		}
		live := i.accept.live
		live.recovered = true // it may be what has ended a process elsewhere
		live.run.deaths = byte(min(max(e.Deaths, 0), 255))
		if !e.Began.IsZero() {
			live.began = e.Began.UnixNano()
			live.run.began = live.began
		}
	}
	return err
}

// importOp stores items, and how far their move has come.
type importOp struct {
	baseOp
	journal  *Journal
	move     []byte
	items    []importItem
	progress journal.Progress
	added    []*acceptOp
	stopped  error // why the rest was not stored
}

func (o *importOp) apply(t *transaction) error {
	moves := &lookup{in: t.Tx, name: bucketMoves}
	v := moves.Get(o.move)
	if v != nil {
		if err := json.Unmarshal(v, &o.progress); err != nil {
			return fmt.Errorf("%w: how far a move has come", errDamaged)
		}
	}
	taken := 0
	for n := range o.items {
		i := &o.items[n]
		place := i.Place()
		if place <= o.progress.Place {
			continue
		}
		if v == nil && taken == 0 && countKeys(moves) >= journal.MaxMoves {
			return fmt.Errorf("%w: it has taken part of %d moves", journal.ErrTooManyMoves, journal.MaxMoves)
		}
		if o.stopped = o.take(t, i); o.stopped != nil {
			break
		}
		o.progress.Place = place
		taken++
	}
	if taken == 0 {
		return o.stopped
	}
	text, err := json.Marshal(o.progress)
	if err != nil {
		return fmt.Errorf("encoding how far a move has come: %w", err)
	}
	t.put(moves, o.move, text)
	return nil
}

func countKeys(l *lookup) (n int) {
	c := l.open().Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		n++
	}
	return n
}

// take stores an item, unless it is there or its time is over.
func (o *importOp) take(t *transaction, i *importItem) error {
	j, taken := o.journal, o.progress.Of(&i.Item)
	switch {
	case i.Key != nil:
		return o.takeKey(t, i.Key)
	case i.Record != nil:
		live := &liveEntry{id: i.record.id, hour: i.record.hour}
		switch {
		case j.isExpired(i.record.id):
			taken.Expired++
		case t.has(live):
			taken.Present++
		default:
			taken.Stored++
			return (&putOp{rows: []putRow{i.record}}).apply(t)
		}
		return nil
	}
	switch err := i.accept.apply(t); {
	case errors.Is(err, journal.ErrExists):
		taken.Present++
		return nil
	case err != nil:
		return err
	}
	if live := i.accept.live; live.run != (run{}) {
		t.put(t.runs, []byte(live.id), live.run.bytes())
	}
	taken.Stored++
	o.added = append(o.added, i.accept)
	return nil
}

func (o *importOp) takeKey(t *transaction, k *journal.MovedKey) error {
	j := o.journal
	now := j.now()
	if !k.Until.After(now) {
		o.progress.Keys.Expired++
		return nil
	}
	if v := t.keys.Get(k.Name[:]); v != nil {
		has, err := readStoredKey(v)
		if err != nil {
			return err
		}
		if has.until.After(now) {
			o.progress.Keys.Present++
			return nil
		}
	}
	if err := quotaOf(j.limits.Load()).checkNewWork(t.usage.of(k.Workflow), keySpace); err != nil {
		return err
	}
	o.progress.Keys.Stored++
	j.putKey(t, k.Workflow, k.Name[:], storedKey{until: k.Until, digest: k.Digest[:], id: k.ID, settled: true}, k.Response)
	return nil
}

func (o *importOp) committed() {
	for _, a := range o.added {
		o.journal.add(a.live)
		o.journal.enqueue(a.live)
	}
}
