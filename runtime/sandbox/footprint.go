package sandbox

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
)

// Why a guest gets no more memory.
var (
	errNode   = errors.New("the memory limit of the node was reached")
	errShare  = errors.New("the share of the workflow was used up")
	errBudget = errors.New("the memory of all nodes was used up")
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

// holding is what is counted for an instance in a budget. The instance gives it back when it ends.
type holding struct {
	budget *Budget
	share  *Share // of the call that has the instance; nil = it is idle
	bytes  int64
	cost   int64  // what is counted in any case
	engine int64  // of that what the engine takes, in Go's heap
	heap   bool   // the memory is in Go's heap
	image  uint64 // bytes of the image
	pages  pages  // of the image that were written to
	// up to where memory is counted, but for the image, whether it was written to or not
	whole uint64

	lacking int64 // what grow was asked for when it failed last
}

// hold makes the instance one of a call of the share's, if that may have as much.
func (h *holding) hold(s *Share) bool {
	if !s.hold(h.bytes) {
		return false
	}
	h.share = s
	return true
}

// let makes the instance an idle one.
func (h *holding) let() {
	h.share.drop(h.bytes)
	h.share = nil
}

// grow counts n bytes more for the call that has the instance.
func (h *holding) grow(n int64) error {
	if err := h.share.grow(n); err != nil {
		h.lacking = n
		return err
	}
	h.bytes += n
	return nil
}

// add is grow for which nothing idle has to go.
func (h *holding) add(n int64) bool {
	if !h.share.hold(n) {
		return false
	}
	if !h.budget.take(n) {
		h.share.drop(n)
		return false
	}
	h.bytes += n
	return true
}

// give counts n bytes less. Who had them has given them back to the system.
func (h *holding) give(n int64) {
	if h.bytes -= n; h.share != nil {
		h.share.drop(n)
	}
	h.budget.give(n)
}

// need is what has to be counted, with stacks of so many bytes.
func (h *holding) need(stacks int) int64 {
	written := (int64(h.pages.count)<<pageBits + writesStep - 1) &^ (writesStep - 1)
	n := h.cost + h.ofMemory(h.whole-h.image) + written
	if stacks > smallStacks {
		n += inHeap * int64(stacks-smallStacks)
	}
	return n
}

// ofMemory is what so many bytes of memory count.
func (h *holding) ofMemory(n uint64) int64 {
	if h.heap {
		n *= inHeap
	}
	return int64(n)
}

// extend counts memory up to size, before the guest has it.
func (h *holding) extend(size uint64) error {
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
func (h *holding) restored() {
	h.pages.clear()
	h.whole = h.image
}

// needs is what an instance has at its start, in a region of its own or of an image.
func (c *starter) needs(i *image) holding {
	h := holding{budget: c.budget, engine: inHeap * (heldByAny + int64(c.parts.EngineBytes)), heap: !canShare}
	h.cost = max(h.engine, c.budget.limit.Load()/maxInstances) + writesStep // for the page of marks
	switch {
	case i == nil:
		h.whole = min(uint64(c.layout.Base)+uint64(c.parts.MemoryMin)*wasmPage, uint64(c.layout.Base)+c.limit)
		h.bytes = h.cost + h.ofMemory(h.whole)
		return h
	case i.mapping == nil:
		h.heap = true
		h.cost += h.ofMemory(uint64(len(i.bytes)))
	default:
		h.pages = newPages(len(i.bytes))
	}
	h.image, h.whole = uint64(len(i.bytes)), uint64(len(i.bytes))
	h.bytes = h.cost + writesStep // and for what calls write at first
	return h
}

// settle counts what the instance holds after a call, which has ended. What it may not keep it
// gives back to the system.
func (in *instance) settle() error {
	h := &in.memory.holding
	n := h.need(in.stacks())
	if n > h.bytes && !h.add(n-h.bytes) {
		if err := in.restore(); err != nil {
			return err
		}
		in.handles()
		n = h.need(in.stacks())
	}
	if n = max(n, h.cost+writesStep); n < h.bytes {
		h.give(h.bytes - n)
	}
	return nil
}

// look counts what a guest that runs has written, what it has put on its stack, and what it is
// about to write. It ends the call when that is more than there is: see [Budget] why it does not
// wait.
func (in *instance) look(ahead int64) {
	h := &in.memory.holding
	if len(h.pages.bits) > 0 {
		countWritten(in.layout, in.memory.region.bytes(in.memory.size), &h.pages)
	}
	stacks := in.stacks()
	if s := in.memory.meter.stack; s != &in.alloc.stack && s != &in.run.stack && s != &in.main.stack {
		stacks += s.size()
	}
	n := h.need(stacks)
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

// pages are those of a memory that were written to.
type pages struct {
	bits  []uint64
	count int
}

func newPages(bytes int) pages { return pages{bits: make([]uint64, (bytes>>pageBits+63)/64)} }

// add notes that something was written between two addresses.
func (p *pages) add(from, to uint64) {
	for n, last := from>>pageBits, (to-1)>>pageBits; n <= last && n>>6 < uint64(len(p.bits)); n++ {
		if word, bit := &p.bits[n>>6], uint64(1)<<(n&63); *word&bit == 0 {
			*word |= bit
			p.count++
		}
	}
}

func (p *pages) clear() {
	if p.count > 0 {
		clear(p.bits)
		p.count = 0
	}
}

// tooLarge is the error of a call that could not even begin.
func tooLarge(need, most int64) *Error {
	return &Error{Code: CodeMemory, Message: fmt.Sprintf("an instance of the node takes %d bytes at its start, more than the %d that a workflow can have: see limits sandbox_memory", need, most)}
}

// refusal is the message for a guest that got no more memory.
func (in *instance) refusal() string {
	switch b, refused := in.memory.holding.budget, in.memory.refused; {
	case errors.Is(refused, errShare):
		return fmt.Sprintf("the workflow's share of limits sandbox_memory, three quarters of %d bytes, is used up", b.limit.Load())
	case errors.Is(refused, errBudget):
		return fmt.Sprintf("limits sandbox_memory of %d bytes is used up by all nodes together", b.limit.Load())
	default:
		return fmt.Sprintf("the memory limit of %d bytes was reached", in.memory.limit-uint64(in.layout.Base))
	}
}
