package sandbox

import (
	"context"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// template makes the image of a module: an instance is started, warmed up, and given an input
// buffer. failed is the part of the module that the error is about.
func (c *starter) template(ctx context.Context, s *hostapi.Session, way Reset) (_ *image, failed string, _ *Error) {
	i, failed, failure := c.templateWith(ctx, s, way, !c.command)
	if i != nil && i.input == 0 && !c.command {
		// It has no buffer of that size, or none that is fit for use. Calls ask for what they need,
		// and find the module as if it had never been asked before.
		return c.templateWith(ctx, s, way, false)
	}
	return i, failed, failure
}

func (c *starter) templateWith(ctx context.Context, s *hostapi.Session, way Reset, buffer bool) (_ *image, failed string, _ *Error) {
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
		input = in.room(ctx, s)
		if input == 0 {
			return &image{}, "", nil
		}
	}
	i, failure := in.image(way)
	if failure != nil {
		return nil, "memory", failure
	}
	i.input = input
	return i, "", nil
}

// image makes an image of the instance as it is, whose marks are gone afterwards.
func (in *instance) image(way Reset) (*image, *Error) {
	memory, _ := in.module.Memory().Read(0, in.module.Memory().Size())
	i, err := newImage(way, memory, in.layout.Base, &in.memory.holding)
	if err != nil {
		return nil, err
	}
	for _, g := range in.globals {
		i.globals = append(i.globals, g.Get())
	}
	return i, nil
}

// room asks for an input buffer of inputRoom bytes; 0 = the module has none.
func (in *instance) room(ctx context.Context, s *hostapi.Session) uint32 {
	in.memory.meter.begin(ctx, s.Deadline, 0)
	defer in.memory.meter.end()
	in.stack[0] = inputRoom
	if err := in.call(in.context(ctx, s), &in.alloc); err != nil {
		return 0
	}
	ptr := uint32(in.stack[0])
	if _, ok := in.layout.Read(in.module, ptr, inputRoom); !ok {
		return 0
	}
	return ptr
}
