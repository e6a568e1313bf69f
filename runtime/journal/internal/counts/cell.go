package counts

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// statuses are the final statuses in the order of their counters.
var statuses = [...]string{journal.Succeeded, journal.Failed, journal.Cancelled, journal.TimedOut}

// statusIndex returns the index of a final status; -1 = it is none.
func statusIndex(status string) int {
	for i, s := range statuses {
		if s == status {
			return i
		}
	}
	return -1
}

// cell counts the executions of one workflow in one hour.
type cell struct {
	ended [len(statuses)]uint32
	slots [slots]uint32 // by duration
}

func (c *cell) isZero() bool { return *c == cell{} }

// Durations are counted in slots, two for each power of two: the relative error of a median is less
// than a quarter.
const (
	slots = 64
	unit  = 16 * time.Microsecond // of the first slot
)

// slotOf returns the slot of a duration.
func slotOf(d time.Duration) int {
	v := uint64(max(d, 0) / unit)
	if v < 2 {
		return int(v)
	}
	power := bits.Len64(v) - 1
	return min(2*power+int(v>>(power-1)&1), slots-1)
}

// startOf returns the shortest duration of a slot.
func startOf(slot int) time.Duration {
	if slot < 2 {
		return time.Duration(slot) * unit
	}
	return time.Duration(2+slot%2) << (slot/2 - 1) * unit
}

// median returns about the middle one of the durations counted in slots; 0 = there is none.
func median(n *[slots]uint64) time.Duration {
	var all uint64
	for _, count := range n {
		all += count
	}
	before, middle := uint64(0), (all+1)/2
	for slot, count := range n {
		if count == 0 || before+count < middle {
			before += count
			continue
		}
		start, end := startOf(slot), startOf(slot+1)
		part := (float64(middle-before) - 0.5) / float64(count)
		return start + time.Duration(part*float64(end-start))
	}
	return 0
}

// append appends the encoded cell: which statuses it has, their counters, the number of slots, and
// of each its index and counter.
func (c *cell) append(dst []byte) []byte {
	mask := len(dst)
	dst = append(dst, 0)
	for i, n := range c.ended {
		if n > 0 {
			dst[mask] |= 1 << i
			dst = binary.AppendUvarint(dst, uint64(n))
		}
	}
	used := len(dst)
	dst = append(dst, 0)
	for i, n := range c.slots {
		if n > 0 {
			dst[used]++
			dst = binary.AppendUvarint(append(dst, byte(i)), uint64(n))
		}
	}
	return dst
}

var errDamaged = errors.New("a counter is damaged")

// read decodes a cell at the beginning of b and returns what follows it.
func (c *cell) read(b []byte) (rest []byte, err error) {
	*c = cell{}
	r := reader{b: b}
	mask := r.byte()
	for i := range c.ended {
		if mask&(1<<i) != 0 {
			c.ended[i] = r.number()
		}
	}
	if mask >= 1<<len(c.ended) {
		r.bad = true
	}
	for range r.byte() {
		slot := r.byte()
		if slot >= slots {
			r.bad = true
			break
		}
		c.slots[slot] = r.number()
	}
	if r.bad {
		return nil, errDamaged
	}
	return r.b, nil
}

// reader decodes values. After a failure it reads zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	if r.bad || len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) number() uint32 {
	v := r.uvarint()
	if v > math.MaxUint32 {
		r.bad = true
		return 0
	}
	return uint32(v)
}

func (r *reader) uvarint() uint64 {
	if r.bad {
		return 0
	}
	v, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return v
}

func (r *reader) text() string {
	n := r.uvarint()
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}
