package sandbox

import (
	"bytes"
	"fmt"
	"os"
)

// snapshot is the state of an instance that is ready for a call: what all instances of a module begin
// each call with.
type snapshot struct {
	file        *snapshotFile // of the memory; nil = it is in bytes
	bytes       []byte        // the memory
	globals     []uint64      // of the module's mutable globals
	inputBuffer uint32        // where an input of up to inputRoom bytes goes

	budget       *Budget
	bytesCounted int64 // bytes of the budget
}

// inputBufferSize is the size of the input buffer that an image has, in bytes.
const inputBufferSize = 64 << 10

// newSnapshot makes an image of an instance's memory, which is copied, without the marks in its first
// bytes. The instance counts as h.
func newSnapshot(way Reset, memory []byte, marks uint32, h *footprint) (*snapshot, *Error) {
	shared, err := way.shares()
	if err != nil {
		return nil, &Error{Code: CodeInternal, Message: err.Error(), Detail: err}
	}
	clear(memory[:marks])
	b := h.budget
	i := &snapshot{budget: b, bytesCounted: inHeap * int64(len(memory))}
	var parts []extent
	if shared {
		parts, i.bytesCounted = extents(memory), 0
		for _, e := range parts {
			i.bytesCounted += int64(e.to - e.from)
		}
	}
	if !b.takeEvicting(i.bytesCounted) {
		return nil, &Error{
			Code: CodeMemory, Message: fmt.Sprintf("limits sandbox_memory of %d bytes has no room for another %d", b.limit.Load(), i.bytesCounted),
			Detail: &BudgetFullError{Need: h.bytes + i.bytesCounted, Snapshot: i.bytesCounted},
		}
	}
	if !shared {
		i.bytes = append([]byte(nil), memory...)
		return i, nil
	}
	m, err := newSnapshotFile(memory, parts)
	if err != nil {
		b.give(i.bytesCounted)
		return nil, &Error{Code: CodeInternal, Message: "the image of an instance cannot be kept", Detail: err}
	}
	i.file, i.bytes = m, m.bytes
	return i, nil
}

// extent is a part of a memory, from and to pages.
type extent struct{ from, to int }

func (e extent) of(memory []byte) []byte { return memory[e.from:e.to] }

const (
	maxExtents = 4         // of an image: each takes two mappings of an instance
	smallGap   = 128 << 10 // bytes of zeros that are no reason for another extent
)

// extents are the parts of a memory that are not all zeros, at most maxExtents, in order: the
// largest gaps are between them.
func extents(memory []byte) (all []extent) {
	size := os.Getpagesize()
	zero := make([]byte, size)
	for at := 0; at < len(memory); at += size {
		end := min(at+size, len(memory))
		if bytes.Equal(memory[at:end], zero[:end-at]) {
			continue
		}
		if last := len(all) - 1; last >= 0 && at-all[last].to <= smallGap {
			all[last].to = end
		} else {
			all = append(all, extent{at, end})
		}
	}
	gap := func(i int) int { return all[i].from - all[i-1].to }
	for len(all) > maxExtents {
		least := 1
		for i := 2; i < len(all); i++ {
			if gap(i) < gap(least) {
				least = i
			}
		}
		all[least-1].to = all[least].to
		all = append(all[:least], all[least+1:]...)
	}
	return all
}

// region makes a region that is the image's, up to limit bytes.
func (i *snapshot) region(limit uint64) (region, error) {
	if i.file == nil {
		h := &heapRegion{image: i.bytes}
		return h, h.restore(0)
	}
	return i.file.region(limit)
}

// free ends the image, of which there are no regions any more. It holds nothing then, also where
// somebody still knows of it, as a [Prepared] does.
func (i *snapshot) free() {
	if i.file != nil {
		i.file.free()
	}
	if i.budget != nil {
		i.budget.give(i.bytesCounted)
	}
	*i = snapshot{}
}
