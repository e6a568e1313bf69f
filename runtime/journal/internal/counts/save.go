package counts

import (
	"encoding/binary"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// KeyValue is a value to be saved.
type KeyValue struct{ Key, Value []byte }

// Changes are what a journal saves. Deletions come first: a key can be in both.
type Changes struct {
	Delete [][]byte
	Put    []KeyValue
}

// Empty reports whether there is nothing to save.
func (c *Changes) Empty() bool { return len(c.Delete) == 0 && len(c.Put) == 0 }

// The keys begin with their kind:
//
//	e<hour><workflow>  the executions of a workflow in an hour
//	l<workflow>        the last one
//	r<hour>            rejections
const (
	kindEnded    = 'e'
	kindLast     = 'l'
	kindRejected = 'r'
)

func cellKey(hour uint32, id string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{kindEnded}, hour), id...)
}

func lastKey(id string) []byte { return append([]byte{kindLast}, id...) }

func rejectedKey(hour uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{kindRejected}, hour)
}

// maxUnsaved limits the changes that wait for Changes. While a journal cannot be written, there may
// be more: then some hours are not saved.
const maxUnsaved = 8 * journal.MaxCountedWorkflows

// save notes that a key gets a value, nil = none. Of several changes of a key, the last one counts.
func (t *Table) save(key, value []byte) {
	if !t.saved {
		return
	}
	t.saving.Lock()
	defer t.saving.Unlock()
	if _, ok := t.left[string(key)]; !ok && len(t.left) >= maxUnsaved {
		return
	}
	if t.left == nil {
		t.left = make(map[string][]byte)
	}
	t.left[string(key)] = value
}

// Changes returns what has changed since it was called before. It also forgets what is too old, and
// workflows beyond a limit.
func (t *Table) Changes(maxWorkflows int) Changes {
	t.limit(maxWorkflows)
	t.expire()
	t.saving.Lock()
	left, dirty := t.left, t.dirty
	t.left, t.dirty = nil, nil
	t.saving.Unlock()
	var changes Changes
	for key, value := range left {
		if value == nil {
			changes.Delete = append(changes.Delete, []byte(key))
		} else {
			changes.Put = append(changes.Put, KeyValue{[]byte(key), value})
		}
	}
	for _, w := range dirty {
		w.mu.Lock()
		if w.dirty = false; !w.gone {
			changes.Put = append(changes.Put, KeyValue{cellKey(w.hour, w.id), w.cell.append(nil)}, KeyValue{lastKey(w.id), w.last.append(nil)})
		}
		w.mu.Unlock()
	}
	r := &t.rejected
	r.mu.Lock()
	defer r.mu.Unlock()
	for hour := range r.dirty {
		if codes := r.hours[hour]; codes != nil {
			changes.Put = append(changes.Put, KeyValue{rejectedKey(hour), appendCodes(nil, codes)})
		} else {
			changes.Delete = append(changes.Delete, rejectedKey(hour))
		}
	}
	r.dirty = nil
	return changes
}

// limit forgets the workflows beyond a limit.
func (t *Table) limit(maxWorkflows int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.max = min(max(maxWorkflows, 1), journal.MaxCountedWorkflows)
	if over := len(t.workflows) - t.max; over > 0 {
		t.evict(over)
	}
}

// Load adds a saved value. One that is damaged is left out. Values come in the order of their keys,
// before anything is counted.
func (t *Table) Load(key, value []byte) {
	if len(key) == 0 {
		return
	}
	switch kind, rest := key[0], key[1:]; {
	case kind == kindEnded && len(rest) > 4:
		var c cell
		if after, err := c.read(value); err == nil && len(after) == 0 {
			w := t.workflow(string(rest[4:]))
			t.turnTo(w, binary.BigEndian.Uint32(rest))
			w.cell = c
		}
	case kind == kindLast && len(rest) > 0:
		if l, err := readLast(value); err == nil {
			t.workflow(string(rest)).last = l
		}
	case kind == kindRejected && len(rest) == 4:
		if codes, err := readCodes(value); err == nil {
			t.rejected.hours[binary.BigEndian.Uint32(rest)] = codes
		}
	}
}

func (l last) append(dst []byte) []byte {
	dst = append(binary.AppendVarint(dst, l.at.UnixNano()), l.status)
	return append(binary.AppendUvarint(dst, uint64(len(l.id))), l.id...)
}

func readLast(b []byte) (l last, err error) {
	at, size := binary.Varint(b)
	if size <= 0 {
		return l, errDamaged
	}
	r := reader{b: b[size:]}
	l = last{r.byte(), r.text(), time.Unix(0, at)}
	if r.bad || len(r.b) > 0 || int(l.status) >= len(statuses) {
		return last{}, errDamaged
	}
	return l, nil
}

// expire forgets cells and workflows that are too old.
func (t *Table) expire() {
	now := t.now()
	hour := hourOf(now)
	t.mu.Lock()
	defer t.mu.Unlock()
	if hour == t.expired {
		return
	}
	t.expired = hour
	for _, w := range t.workflows {
		w.mu.Lock()
		t.trim(w, hour)
		old := len(w.past) == 0 && w.hour+journal.MaxCountedHours <= hour
		old = old && now.Sub(w.last.at) > keepLast
		w.mu.Unlock()
		if old {
			t.forget(w)
		}
	}
	t.rejected.mu.Lock()
	defer t.rejected.mu.Unlock()
	t.rejected.trim(hour)
}
