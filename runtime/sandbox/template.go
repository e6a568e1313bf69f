package sandbox

import (
	"context"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// snapshot makes the image of a module: an instance is started, warmed up, and given an input
// buffer. failed is the part of the module that the error is about.
func (c *instantiator) snapshot(ctx context.Context, s *hostapi.Session, way Reset) (_ *snapshot, failed string, _ *Error) {
	i, failed, failure := c.snapshotWith(ctx, s, way, !c.command)
	if i != nil && i.inputBuffer == 0 && !c.command {
		// It has no buffer of that size, or none that is fit for use. Calls ask for what they need,
		// and find the module as if it had never been asked before.
		return c.snapshotWith(ctx, s, way, false)
	}
	return i, failed, failure
}

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
			return &snapshot{}, "", nil
		}
	}
	i, failure := in.snapshot(way)
	if failure != nil {
		return nil, "memory", failure
	}
	i.inputBuffer = input
	return i, "", nil
}

// snapshot makes an image of the instance as it is, whose marks are gone afterwards.
func (in *instance) snapshot(way Reset) (*snapshot, *Error) {
	memory, _ := in.module.Memory().Read(0, in.module.Memory().Size())
	i, err := newSnapshot(way, memory, in.layout.Base, &in.memory.footprint)
	if err != nil {
		return nil, err
	}
	for _, g := range in.globals {
		i.globals = append(i.globals, g.Get())
	}
	return i, nil
}

// allocInput asks for an input buffer of inputRoom bytes; 0 = the module has none.
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
