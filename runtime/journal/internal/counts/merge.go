package counts

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// Merge adds a value to the one that is saved for a key, as several processes do that share what is
// saved. A value that is damaged counts as none.
func Merge(key, saved, value []byte) []byte {
	if len(key) == 0 {
		return value
	}
	switch key[0] {
	case kindEnded:
		var a, b cell
		if !a.readAll(saved) {
			return value
		}
		if !b.readAll(value) {
			return saved
		}
		a.add(&b)
		return a.append(nil)
	case kindLast:
		a, err := readLast(saved)
		if b, bad := readLast(value); err != nil || bad == nil && !b.at.Before(a.at) {
			return value
		}
		return saved
	default:
		a, err := readCodes(saved)
		b, bad := readCodes(value)
		switch {
		case err != nil:
			return value
		case bad != nil:
			return saved
		}
		for code, n := range b {
			if _, ok := a[code]; ok || len(a) < journal.MaxCountedCodes {
				a[code] = sum(a[code], n)
			}
		}
		return appendCodes(nil, a)
	}
}

// KeyHour returns the hour in which a key and its value are of use last, in hours since 1970.
func KeyHour(key, value []byte) uint32 {
	if len(key) >= 5 && key[0] != kindLast {
		return binary.BigEndian.Uint32(key[1:]) + journal.MaxCountedHours
	}
	l, err := readLast(value)
	if err != nil {
		return 0
	}
	return hourOf(l.at.Add(keepLast + time.Hour))
}

func (c *cell) readAll(b []byte) bool {
	rest, err := c.read(b)
	return err == nil && len(rest) == 0
}

func (c *cell) add(other *cell) {
	for i, n := range other.ended {
		c.ended[i] = sum(c.ended[i], n)
	}
	for i, n := range other.slots {
		c.slots[i] = sum(c.slots[i], n)
	}
}

// sum does not wrap around.
func sum(a, b uint32) uint32 { return uint32(min(uint64(a)+uint64(b), math.MaxUint32)) }
