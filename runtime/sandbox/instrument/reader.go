package instrument

import (
	"errors"
	"fmt"
	"math"
)

var (
	errTruncated = errors.New("it is truncated, or a count in it is too large")
	errUnknown   = errors.New("it contains an unknown value")
	errLEB128    = errors.New("it contains an invalid LEB128 number")
)

// reader reads numbers and parts of b from index i on. After an error it is at its end, and all it
// reads is zero.
type reader struct {
	b   []byte
	i   int
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.i = len(r.b)
}

func (r *reader) failf(format string, args ...any) { r.fail(fmt.Errorf(format, args...)) }

// more reports whether there is more to read.
func (r *reader) more() bool { return r.i < len(r.b) }

func (r *reader) byte() byte {
	if r.i >= len(r.b) {
		r.fail(errTruncated)
		return 0
	}
	b := r.b[r.i]
	r.i++
	return b
}

func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(len(r.b)-r.i) {
		r.fail(errTruncated)
		return nil
	}
	b := r.b[r.i : r.i+int(n) : r.i+int(n)]
	r.i += int(n)
	return b
}

// u32 reads an unsigned LEB128 number of at most 5 bytes. Unused bits of the last byte must be
// zero.
func (r *reader) u32() uint32 {
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= uint32(b&0x7f) << shift
		switch {
		case b >= 0x80:
		case shift == 28 && b > 0x0f:
			r.fail(errLEB128)
			return 0
		default:
			return v
		}
	}
	r.fail(errLEB128)
	return 0
}

// signed reads a signed LEB128 number with the given number of bits. It must not have more bytes
// than these need. Unused bits of the last byte must repeat the sign.
func (r *reader) signed(bits int) int64 {
	var v int64
	for shift := 0; shift < bits; shift += 7 {
		b := r.byte()
		v |= int64(b&0x7f) << shift
		if b >= 0x80 {
			continue
		}
		if left := bits - shift; left < 7 {
			if spare := int8(b<<1) >> left; spare != 0 && spare != -1 {
				break
			}
		}
		if shift += 7; shift < 64 {
			v = v << (64 - shift) >> (64 - shift)
		}
		return v
	}
	r.fail(errLEB128)
	return 0
}

// index reads an index below count.
func (r *reader) index(what string, count int) uint32 {
	v := r.u32()
	if r.err == nil && uint64(v) >= uint64(count) {
		r.failf("%s %d does not exist; there are %d", what, v, count)
		return 0
	}
	return v
}

// each reads a count and calls part that often. The count cannot exceed the remaining bytes.
func (r *reader) each(part func()) {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)-r.i) {
		r.fail(errTruncated)
	}
	for ; n > 0 && r.err == nil; n-- {
		part()
	}
}

// end fails if there is more to read.
func (r *reader) end() {
	if r.err == nil && r.more() {
		r.fail(errors.New("it has bytes after its content"))
	}
}

// appendU32 appends an unsigned LEB128 number.
func appendU32(b []byte, v uint32) []byte {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

// appendS32 appends a signed LEB128 number.
func appendS32(b []byte, v int32) []byte {
	for ; v < -0x40 || v > 0x3f; v >>= 7 {
		b = append(b, byte(v)&0x7f|0x80)
	}
	return append(b, byte(v)&0x7f)
}

// appendSized appends a part preceded by its size.
func appendSized(b []byte, part []byte) []byte {
	return append(appendU32(b, size(len(part))), part...)
}

// size converts a length or a count. It is below 4 GiB, since Instrument accepts no larger modules.
func size(n int) uint32 { return uint32(min(n, math.MaxUint32)) }
