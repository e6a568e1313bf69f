package sandbox

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
)

// Why a guest gets no more memory.
var (
	errNodeMemory   = errors.New("the memory limit of the node was reached")
	errShareMemory  = errors.New("the share of the workflow was used up")
	errBudgetMemory = errors.New("the memory of all nodes was used up")
)

// What an instance is counted with, in bytes.
const (
	// by the engine, for an instance of any module: two stacks of 10 KiB, and itself
	heldByAny   = 32 << 10
	smallStacks = 32 << 10 // stacks that are not larger are a part of that
	writesStep  = 64 << 10 // pages that were written to are counted in such steps

	// maxInstances bounds how many instances there are, each of which takes up to nine mappings of
	// the 65,530 that Linux lets a process have: one counts as that part of the budget at least.
	maxInstances = 1 << 12
)

// inHeap is how often bytes in Go's heap count: the garbage collector lets it become twice what is
// in use.
const inHeap = 2

// pageBits is the binary logarithm of the system's pages.
var pageBits = bits.TrailingZeros(uint(os.Getpagesize()))

// footprint is what is counted for an instance in a budget. The instance gives it back when it ends.
type footprint struct {
	budget   *Budget
	share    *Share // of the call that has the instance; nil = it is idle
	bytes    int64
	fixed    int64   // what is counted in any case
	engine   int64   // of that what the engine takes, in Go's heap
	heap     bool    // the memory is in Go's heap
	snapshot uint64  // bytes of the image
	pages    pageSet // of the image that were written to
	// up to where memory is counted, but for the image, whether it was written to or not
	whole uint64

	lastFailed int64 // what grow was asked for when it failed last
}

// attach makes the instance one of a call of the share's, if that may have as much.
func (h *footprint) attach(s *Share) bool {
	if !s.take(h.bytes) {
		return false
	}
	h.share = s
	return true
}

// detach makes the instance an idle one.
func (h *footprint) detach() {
	h.share.give(h.bytes)
	h.share = nil
}

// grow counts n bytes more for the call that has the instance.
func (h *footprint) grow(n int64) error {
	if err := h.share.grow(n); err != nil {
		h.lastFailed = n
		return err
	}
	h.bytes += n
	return nil
}

// growUnused is grow for which nothing idle has to go.
func (h *footprint) growUnused(n int64) bool {
	if !h.share.take(n) {
		return false
	}
	if !h.budget.take(n) {
		h.share.give(n)
		return false
	}
	h.bytes += n
	return true
}

// shrink counts n bytes less. Who had them has given them back to the system.
func (h *footprint) shrink(n int64) {
	if h.bytes -= n; h.share != nil {
		h.share.give(n)
	}
	h.budget.give(n)
}

// required is what has to be counted, with stacks of so many bytes.
func (h *footprint) required(stacks int) int64 {
	written := (int64(h.pages.count)<<pageBits + writesStep - 1) &^ (writesStep - 1)
	n := h.fixed + h.ofMemory(h.whole-h.snapshot) + written
	if stacks > smallStacks {
		n += inHeap * int64(stacks-smallStacks)
	}
	return n
}

// ofMemory is what so many bytes of memory count.
func (h *footprint) ofMemory(n uint64) int64 {
	if h.heap {
		n *= inHeap
	}
	return int64(n)
}

// extend counts memory up to size, before the guest has it.
func (h *footprint) extend(size uint64) error {
	if size <= h.whole {
		return nil
	}
	if err := h.grow(h.ofMemory(size - h.whole)); err != nil {
		return err
	}
	h.whole = size
	return nil
}

// restored notes that the memory is the image's again, and nothing beside it.
func (h *footprint) restored() {
	h.pages.clear()
	h.whole = h.snapshot
}

// footprint is what an instance has at its start, in a region of its own or of an image.
func (c *instantiator) footprint(i *snapshot) footprint {
	h := footprint{budget: c.budget, engine: inHeap * (heldByAny + int64(c.module.EngineBytes)), heap: !canShare}
	h.fixed = max(h.engine, c.budget.limit.Load()/maxInstances) + writesStep // for the page of marks
	switch {
	case i == nil:
		h.whole = min(uint64(c.layout.Base)+uint64(c.module.MemoryMin)*wasmPage, uint64(c.layout.Base)+c.limit)
		h.bytes = h.fixed + h.ofMemory(h.whole)
		return h
	case i.file == nil:
		h.heap = true
		h.fixed += h.ofMemory(uint64(len(i.bytes)))
	default:
		h.pages = newPageSet(len(i.bytes))
	}
	h.snapshot, h.whole = uint64(len(i.bytes)), uint64(len(i.bytes))
	h.bytes = h.fixed + writesStep // and for what calls write at first
	return h
}

// settleFootprint counts what the instance holds after a call, which has ended. What it may not keep it
// gives back to the system.
func (in *instance) settleFootprint() error {
	h := &in.memory.footprint
	n := h.required(in.stacks())
	if n > h.bytes && !h.growUnused(n-h.bytes) {
		if err := in.restore(); err != nil {
			return err
		}
		in.refreshFunctions()
		n = h.required(in.stacks())
	}
	if n = max(n, h.fixed+writesStep); n < h.bytes {
		h.shrink(h.bytes - n)
	}
	return nil
}

// checkFootprint counts what a guest that runs has written, what it has put on its stack, and what it is
// about to write. It ends the call when that is more than there is: see [Budget] why it does not
// wait.
func (in *instance) checkFootprint(ahead int64) {
	h := &in.memory.footprint
	if len(h.pages.bits) > 0 {
		countDirtyPages(in.layout, in.memory.region.bytes(in.memory.size), &h.pages)
	}
	stacks := in.stacks()
	if s := in.memory.meter.stack; s != &in.allocFn.stack && s != &in.runFn.stack && s != &in.startFn.stack {
		stacks += s.size()
	}
	n := h.required(stacks)
	if unwritten := int64(len(h.pages.bits))*64<<pageBits - int64(h.pages.count)<<pageBits; unwritten > 0 {
		n += min(ahead, unwritten)
	}
	if n -= h.bytes; n > 0 {
		if err := h.grow(n); err != nil {
			in.memory.refused = err
			panic(err)
		}
	}
}

// pageSet are those of a memory that were written to.
type pageSet struct {
	bits  []uint64
	count int
}

func newPageSet(bytes int) pageSet { return pageSet{bits: make([]uint64, (bytes>>pageBits+63)/64)} }

// add notes that something was written between two addresses.
func (p *pageSet) add(from, to uint64) {
	for n, last := from>>pageBits, (to-1)>>pageBits; n <= last && n>>6 < uint64(len(p.bits)); n++ {
		if word, bit := &p.bits[n>>6], uint64(1)<<(n&63); *word&bit == 0 {
			*word |= bit
			p.count++
		}
	}
}

func (p *pageSet) clear() {
	if p.count > 0 {
		clear(p.bits)
		p.count = 0
	}
}

// tooLargeError is the error of a call that could not even begin.
func tooLargeError(need, most int64) *Error {
	return &Error{Code: CodeMemory, Message: fmt.Sprintf("an instance of the node takes %d bytes at its start, more than the %d that a workflow can have: see limits sandbox_memory", need, most)}
}

// memoryMessage is the message for a guest that got no more memory.
func (in *instance) memoryMessage() string {
	switch b, refused := in.memory.footprint.budget, in.memory.refused; {
	case errors.Is(refused, errShareMemory):
		return fmt.Sprintf("the workflow's share of limits sandbox_memory, three quarters of %d bytes, is used up", b.limit.Load())
	case errors.Is(refused, errBudgetMemory):
		return fmt.Sprintf("limits sandbox_memory of %d bytes is used up by all nodes together", b.limit.Load())
	default:
		return fmt.Sprintf("the memory limit of %d bytes was reached", in.memory.limit-uint64(in.layout.Base))
	}
}
