package sandbox

import "fmt"

// Reset is how an instance becomes again what it was before a call.
type Reset int

// The ways. All have the same effect, at different costs.
const (
	ResetAuto  Reset = iota // the fastest that this system has
	ResetScan               // the kernel names the pages that were written to, and these are copied back: Linux 6.7
	ResetDrop               // the kernel drops what was written to: Linux
	ResetCopy               // the whole image is copied back
	ResetNever              // it does not: each call gets an instance of its own
)

func (r Reset) String() string {
	if r < ResetAuto || r > ResetNever {
		return fmt.Sprintf("Reset(%d)", int(r))
	}
	return [...]string{"auto", "scan", "drop", "copy", "never"}[r]
}

// copied is the size of an image, in bytes, up to which copying all of it is cheaper than page faults are.
const copied = 256 << 10

// choose returns the way for an image of size bytes.
func (r Reset) choose(size int) (Reset, error) {
	can := func(way Reset) bool { return way == ResetCopy || way == ResetNever || systemCan(way) }
	switch {
	case r == ResetAuto && can(ResetScan):
		return ResetScan, nil
	case r == ResetAuto && size > copied && can(ResetDrop):
		return ResetDrop, nil
	case r == ResetAuto:
		return ResetCopy, nil
	case !can(r):
		return r, fmt.Errorf("this system cannot reset instances by %s", r)
	}
	return r, nil
}

// image is the state of an instance that is ready for a call: what all instances of a module begin each call with.
type image struct {
	way     Reset
	mapping *mapping // of the memory; nil = it is in bytes
	bytes   []byte   // the memory
	globals []uint64 // of the module's mutable globals
	input   uint32   // where an input of up to inputRoom bytes goes
}

// inputRoom is the size of the input buffer that an image has, in bytes.
const inputRoom = 64 << 10

// newImage makes an image of an instance's memory, which is copied.
func newImage(way Reset, memory []byte) (*image, error) {
	way, err := way.choose(len(memory))
	if err != nil {
		return nil, err
	}
	if way == ResetCopy {
		return &image{way: way, bytes: append([]byte(nil), memory...)}, nil
	}
	m, err := newMapping(memory)
	if err != nil {
		return nil, fmt.Errorf("keeping the image of an instance: %w", err)
	}
	return &image{way: way, mapping: m, bytes: m.bytes}, nil
}

// region makes a region that is the image's, up to limit bytes.
func (i *image) region(limit uint64) (region, error) {
	if i.mapping == nil {
		h := &heap{image: i.bytes}
		return h, h.restore(0)
	}
	return i.mapping.region(limit, i.way == ResetScan)
}

// free ends the image, of which there are no regions any more.
func (i *image) free() {
	if i.mapping != nil {
		i.mapping.free()
	}
}
