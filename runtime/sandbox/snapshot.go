package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// Reset is how an instance is restored to its snapshot after a call.
type Reset int

// The ways to reset. All have the same effect, at different costs.
const (
	ResetAuto Reset = iota // ResetShared where the system supports it, otherwise ResetOwn
	// Dirty granules are copied back. Instances share the pages of their snapshot that they never
	// write to. Linux only.
	ResetShared
	ResetOwn   // the same, but each instance has all of its memory for itself
	ResetNever // instances are not reset: each call gets a new one
)

func (r Reset) String() string {
	if r < ResetAuto || r > ResetNever {
		return fmt.Sprintf("Reset(%d)", int(r))
	}
	return [...]string{"auto", "shared", "own", "never"}[r]
}

// shares reports whether instances share their snapshot.
func (r Reset) shares() (bool, error) {
	switch {
	case r == ResetShared && !canShare, r < ResetAuto || r > ResetNever:
		return false, fmt.Errorf("this system cannot reset instances by %s", r)
	}
	return canShare && r != ResetOwn, nil
}

// snapshot is the state of an instance that is ready for a call. All instances of a module begin
// each call with it.
type snapshot struct {
	file        *snapshotFile // of the memory; nil = only bytes has it
	bytes       []byte        // the memory
	globals     []uint64      // the module's mutable globals
	inputBuffer uint32        // address of the buffer for inputs of up to inputBufferSize bytes

	budget       *Budget
	bytesCounted int64 // against the budget
}

// inputBufferSize is the size of a snapshot's input buffer, in bytes.
const inputBufferSize = 64 << 10

// snapshot makes the snapshot of a module: it starts an instance, warms it up, and allocates an
// input buffer. failed is the part of the module that caused the error.
func (c *instantiator) snapshot(ctx context.Context, s *hostapi.Session, way Reset) (_ *snapshot, failed string, _ *Error) {
	snap, failed, failure := c.snapshotWith(ctx, s, way, !c.command)
	if failure == errNoInputBuffer {
		// Calls allocate their own buffers, and must find the module as if the host had never
		// asked.
		return c.snapshotWith(ctx, s, way, false)
	}
	return snap, failed, failure
}

// errNoInputBuffer reports that a module has no input buffer of inputBufferSize bytes, or no usable
// one.
var errNoInputBuffer = &Error{Code: CodeMemory, Message: "the module has no memory for its input"}

// snapshotWith is snapshot, with or without an input buffer.
func (c *instantiator) snapshotWith(ctx context.Context, s *hostapi.Session, way Reset, buffer bool) (_ *snapshot, failed string, _ *Error) {
	in, failed, failure := c.start(ctx, s, c.budget.own)
	if failure != nil {
		return nil, failed, failure
	}
	defer in.close()
	if _, failure := in.invoke(ctx, s, abi.ExportWarmup); failure != nil {
		return nil, abi.ExportWarmup, failure
	}
	var input uint32
	if buffer {
		input = in.allocInput(ctx, s)
		if input == 0 {
			return nil, abi.ExportAlloc, errNoInputBuffer
		}
	}
	snap, failure := in.snapshot(way)
	if failure != nil {
		return nil, "memory", failure
	}
	snap.inputBuffer = input
	return snap, "", nil
}

// allocInput allocates an input buffer of inputBufferSize bytes. It returns 0 if the module has
// none.
func (in *instance) allocInput(ctx context.Context, s *hostapi.Session) uint32 {
	in.memory.meter.begin(ctx, s.Deadline, 0)
	defer in.memory.meter.end()
	in.stack[0] = inputBufferSize
	if err := in.call(in.context(ctx, s), &in.allocFn); err != nil {
		return 0
	}
	ptr := uint32(in.stack[0])
	if _, ok := in.layout.Read(in.module, ptr, inputBufferSize); !ok {
		return 0
	}
	return ptr
}

// snapshot makes a snapshot of the instance's current state. It clears the dirty marks.
func (in *instance) snapshot(way Reset) (*snapshot, *Error) {
	memory, _ := in.module.Memory().Read(0, in.module.Memory().Size())
	snap, failure := newSnapshot(way, memory, in.layout.Base, &in.memory.footprint)
	if failure != nil {
		return nil, failure
	}
	for _, g := range in.globals {
		snap.globals = append(snap.globals, g.Get())
	}
	return snap, nil
}

// newSnapshot makes a snapshot of an instance's memory, without the marks in its first bytes. It
// copies the memory. h is the instance's footprint.
func newSnapshot(way Reset, memory []byte, marks uint32, h *footprint) (*snapshot, *Error) {
	shared, err := way.shares()
	if err != nil {
		return nil, &Error{Code: CodeInternal, Message: err.Error(), Detail: err}
	}
	clear(memory[:marks])
	b := h.budget
	snap := &snapshot{budget: b, bytesCounted: inHeap * int64(len(memory))}
	var parts []extent
	if shared {
		parts, snap.bytesCounted = extents(memory), 0
		for _, e := range parts {
			snap.bytesCounted += int64(e.to - e.from)
		}
	}
	if !b.takeEvicting(snap.bytesCounted) {
		return nil, &Error{
			Code: CodeMemory, Message: fmt.Sprintf("limits sandbox_memory of %d bytes has no room for another %d", b.limit.Load(), snap.bytesCounted),
			Detail: &BudgetFullError{Need: h.bytes + snap.bytesCounted, Snapshot: snap.bytesCounted},
		}
	}
	if !shared {
		snap.bytes = append([]byte(nil), memory...)
		return snap, nil
	}
	file, err := newSnapshotFile(memory, parts)
	if err != nil {
		b.give(snap.bytesCounted)
		return nil, &Error{Code: CodeInternal, Message: "the snapshot of an instance cannot be stored", Detail: err}
	}
	snap.file, snap.bytes = file, file.bytes
	return snap, nil
}

// extent is a part of a memory, in whole pages.
type extent struct{ from, to int }

func (e extent) of(memory []byte) []byte { return memory[e.from:e.to] }

const (
	maxExtents = 4         // of a snapshot: each takes two mappings of an instance
	smallGap   = 128 << 10 // bytes of zeros that do not justify another extent
)

// extents returns the parts of a memory that are not all zeros, in order. There are at most
// maxExtents of them, separated by the largest gaps.
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

// region makes a region of up to limit bytes that begins with the snapshot.
func (snap *snapshot) region(limit uint64) (region, error) {
	if snap.file == nil {
		h := &heapRegion{snapshot: snap.bytes}
		return h, h.restore(0)
	}
	return snap.file.region(limit)
}

// free releases the snapshot, of which no regions may be left. It holds no memory then, even if
// something still refers to it, as a [Prepared] may.
func (snap *snapshot) free() {
	if snap.file != nil {
		snap.file.free()
	}
	if snap.budget != nil {
		snap.budget.give(snap.bytesCounted)
	}
	*snap = snapshot{}
}
