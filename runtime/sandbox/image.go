package sandbox

import (
	"bytes"
	"fmt"
	"os"
)

// image is the state of an instance that is ready for a call: what all instances of a module begin each call with.
type image struct {
	mapping *mapping // of the memory; nil = it is in bytes
	bytes   []byte   // the memory
	globals []uint64 // of the module's mutable globals
	input   uint32   // where an input of up to inputRoom bytes goes

	budget  *Budget
	counted int64 // bytes of the budget
}

// inputRoom is the size of the input buffer that an image has, in bytes.
const inputRoom = 64 << 10

// newImage makes an image of an instance's memory, which is copied, without the marks in its first bytes.
func newImage(way Reset, memory []byte, marks uint32, b *Budget) (*image, *Error) {
	shared, err := way.shares()
	if err != nil {
		return nil, &Error{Code: CodeInternal, Message: err.Error(), Detail: err}
	}
	clear(memory[:marks])
	i := &image{budget: b, counted: inHeap * int64(len(memory))}
	if shared {
		i.counted = int64(written(memory))
	}
	if !b.takeIdle(i.counted) {
		return nil, &Error{Code: CodeMemory, Message: fmt.Sprintf("limits sandbox_memory of %d bytes has no room for another %d", b.limit.Load(), i.counted)}
	}
	if !shared {
		i.bytes = append([]byte(nil), memory...)
		return i, nil
	}
	m, err := newMapping(memory)
	if err != nil {
		b.give(i.counted)
		return nil, &Error{Code: CodeInternal, Message: "the image of an instance cannot be kept", Detail: err}
	}
	i.mapping, i.bytes = m, m.bytes
	return i, nil
}

// eachPage calls part for the pages of memory that are not all zeros.
func eachPage(memory []byte, part func(at int, page []byte) error) error {
	size := os.Getpagesize()
	zero := make([]byte, size)
	for at := 0; at < len(memory); at += size {
		if page := memory[at:min(at+size, len(memory))]; !bytes.Equal(page, zero[:len(page)]) {
			if err := part(at, page); err != nil {
				return err
			}
		}
	}
	return nil
}

// written is how many bytes the pages have that are not all zeros.
func written(memory []byte) (n int) {
	_ = eachPage(memory, func(_ int, page []byte) error { // which has no error
		n += len(page)
		return nil
	})
	return n
}

// region makes a region that is the image's, up to limit bytes.
func (i *image) region(limit uint64) (region, error) {
	if i.mapping == nil {
		h := &heap{image: i.bytes}
		return h, h.restore(0)
	}
	return i.mapping.region(limit)
}

// free ends the image, of which there are no regions any more. It holds nothing then, also where somebody still knows of it, as a
// [Prepared] does.
func (i *image) free() {
	if i.mapping != nil {
		i.mapping.free()
	}
	if i.budget != nil {
		i.budget.give(i.counted)
	}
	*i = image{}
}
