package sandbox

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
)

// Reasons why a guest gets no more memory.
var (
	errNodeMemory   = errors.New("the memory limit of the node was reached")
	errShareMemory  = errors.New("the share of the workflow was used up")
	errBudgetMemory = errors.New("the memory of all nodes was used up")
)

// Parts of an instance's footprint, in bytes.
const (
	// what wazero uses for an instance of any module: two stacks of 10 KiB, and the instance itself
	engineOverhead = 32 << 10
	smallStacks    = 32 << 10 // stacks up to this size are included in that
	writesStep     = 64 << 10 // written pages are counted in steps of this size

	// maxInstances bounds the number of instances: each counts as at least this part of the budget.
	// An instance takes up to nine of the 65,530 mappings that Linux allows a process.
	maxInstances = 1 << 12
)

// inHeap is the factor for bytes in Go's heap: the garbage collector lets the heap grow to twice
// its live size.
const inHeap = 2

// pageBits is the binary logarithm of the system's page size.
var pageBits = bits.TrailingZeros(uint(os.Getpagesize()))

// footprint is the memory that is counted for an instance in a budget. The instance returns it when
// it ends.
type footprint struct {
	budget   *Budget
	share    *Share // of the call that uses the instance; nil = the instance is idle
	bytes    int64
	fixed    int64   // bytes that are always counted
	engine   int64   // the part of fixed that wazero uses, in Go's heap
	heap     bool    // the memory is in Go's heap
	snapshot uint64  // bytes of the snapshot
	pages    pageSet // of the snapshot that were written to
	// memory up to this size counts in full, except for the snapshot
	whole uint64

	lastFailed int64 // bytes that the last failed grow needed
}

// attach counts the instance against the share for a call, if the share may use that much.
func (h *footprint) attach(s *Share) bool {
	if !s.take(h.bytes) {
		return false
	}
	h.share = s
	return true
}

// detach makes the instance idle.
func (h *footprint) detach() {
	h.share.give(h.bytes)
	h.share = nil
}

// grow counts n more bytes for the call that uses the instance.
func (h *footprint) grow(n int64) error {
	if err := h.share.grow(n); err != nil {
		h.lastFailed = n
		return err
	}
	h.bytes += n
	return nil
}

// growUnused is grow without evicting anything idle.
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

// shrink counts n fewer bytes. The caller has returned them to the system.
func (h *footprint) shrink(n int64) {
	if h.bytes -= n; h.share != nil {
		h.share.give(n)
	}
	h.budget.give(n)
}

// required returns how many bytes must be counted, including stacks of the given size.
func (h *footprint) required(stacks int) int64 {
	written := (int64(h.pages.count)<<pageBits + writesStep - 1) &^ (writesStep - 1)
	n := h.fixed + h.ofMemory(h.whole-h.snapshot) + written
	if stacks > smallStacks {
		n += inHeap * int64(stacks-smallStacks)
	}
	return n
}

// ofMemory returns how much n bytes of memory count.
func (h *footprint) ofMemory(n uint64) int64 {
	if h.heap {
		n *= inHeap
	}
	return int64(n)
}

// extend counts memory up to size, before the guest gets it.
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

// restored records that the memory is the snapshot again, and nothing more.
func (h *footprint) restored() {
	h.pages.clear()
	h.whole = h.snapshot
}

// footprint returns the footprint of an instance at its start, in a region of the snapshot, or in
// its own region if the snapshot is nil.
func (c *instantiator) footprint(i *snapshot) footprint {
	h := footprint{budget: c.budget, engine: inHeap * (engineOverhead + int64(c.module.EngineBytes)), heap: !canShare}
	// for the page of dirty marks
	h.fixed = max(h.engine, c.budget.limit.Load()/maxInstances) + writesStep
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

// settleFootprint counts the memory that the instance holds after a call. Memory that it may not
// keep is returned to the system.
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

// checkFootprint counts the memory that a running guest has written, its stack, and the ahead bytes
// that it is about to write. It ends the call if that is more than the budget has. [Budget]
// explains why it does not wait.
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

// pageSet is the set of pages of a memory that were written to.
type pageSet struct {
	bits  []uint64
	count int
}

func newPageSet(bytes int) pageSet { return pageSet{bits: make([]uint64, (bytes>>pageBits+63)/64)} }

// add adds the pages of the addresses from up to but not including to.
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

// tooLargeError returns the error of a call that could never begin.
func tooLargeError(need, most int64) *Error {
	return &Error{Code: CodeMemory, Message: fmt.Sprintf("an instance of the node takes %d bytes at its start, more than the %d that a workflow can have: see limits sandbox_memory", need, most)}
}

// memoryMessage returns the message for a guest that got no more memory.
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
