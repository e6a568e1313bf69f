package sandbox

import "fmt"

// image is the state of an instance that is ready for a call: what all instances of a module begin each call with.
type image struct {
	mapping *mapping // of the memory; nil = it is in bytes
	bytes   []byte   // the memory
	globals []uint64 // of the module's mutable globals
	input   uint32   // where an input of up to inputRoom bytes goes
}

// inputRoom is the size of the input buffer that an image has, in bytes.
const inputRoom = 64 << 10

// newImage makes an image of an instance's memory, which is copied, without the marks in its first bytes.
func newImage(way Reset, memory []byte, marks uint32) (*image, error) {
	shared, err := way.shares()
	if err != nil {
		return nil, err
	}
	clear(memory[:marks])
	if !shared {
		return &image{bytes: append([]byte(nil), memory...)}, nil
	}
	m, err := newMapping(memory)
	if err != nil {
		return nil, fmt.Errorf("keeping the image of an instance: %w", err)
	}
	return &image{mapping: m, bytes: m.bytes}, nil
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
	*i = image{}
}
