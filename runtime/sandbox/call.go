package sandbox

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// maxDepth is the maximum nesting depth of an output.
const maxDepth = 512

// run passes the input to the node type of m, runs it and returns its packed result. s is the
// call's session. buffer is the address of the instance's input buffer of inputBufferSize bytes, or
// 0 if it has none.
func (in *instance) run(ctx context.Context, s *hostapi.Session, m *Module, buffer uint32, input []byte, fuel uint64) (packed uint64, _ *Error) {
	in.memory.limit = m.memoryLimit
	if uint64(len(input)) > in.memory.limit-uint64(in.layout.Base) {
		return 0, &Error{Code: CodeMemory, Message: fmt.Sprintf("an input of %d bytes is over the memory limit", len(input))}
	}
	in.memory.meter.begin(ctx, s.Deadline, int64(fuel))
	defer func() { s.Fuel, s.MemorySize = in.memory.meter.end(), in.memory.size-uint64(in.layout.Base) }()
	calls := in.context(ctx, s)
	if buffer == 0 || len(input) > inputBufferSize {
		in.stack[0] = uint64(len(input))
		if err := in.call(calls, &in.allocFn); err != nil {
			return 0, in.callError(ctx, s, err)
		}
		if buffer = uint32(in.stack[0]); buffer == 0 {
			return 0, &Error{Code: CodeMemory, Message: "the module has no memory for its input"}
		}
	}
	if !in.layout.Write(in.module, buffer, input) {
		return 0, badResult("alloc returned a buffer outside of the memory")
	}
	if m.family {
		in.stack = [3]uint64{uint64(m.index), uint64(buffer), uint64(len(input))}
	} else {
		in.stack = [3]uint64{uint64(buffer), uint64(len(input))}
	}
	if err := in.call(calls, &in.runFn); err != nil {
		return 0, in.callError(ctx, s, err)
	}
	if in.memory.meter.spent() { // by the last instructions, after the guest's last yield
		return 0, in.callError(ctx, s, errFuel)
	}
	return in.stack[0], nil
}

// decodeResult copies the result that packed refers to. labels need no copy.
func (in *instance) decodeResult(packed uint64, labels map[string]string, dst []byte, limit int) (Result, *Error) {
	kind, ptr, n := abi.Unpack(packed)
	payload, ok := in.layout.Read(in.module, ptr, n)
	if !ok {
		return Result{}, badResult("the result lies outside of the memory")
	}
	r := Result{Kind: kind}
	if kind != abi.Output {
		label, rest, ok := abi.SplitLabel(payload)
		if !ok {
			return Result{}, badResult("the result is truncated")
		}
		if r.Label, ok = labels[string(label)]; !ok {
			r.Label = string(label)
		}
		payload = rest
	}
	if kind == abi.Error || kind == abi.Fatal {
		r.Label = hostapi.CleanMessage([]byte(r.Label))
		r.Output = append(dst, hostapi.CleanMessage(payload)...)[len(dst):]
		return r, nil
	}
	if kind == abi.Routed && (r.Label == "" || !utf8.ValidString(r.Label)) {
		return Result{}, badResult("the result names no handle")
	}
	if len(payload) > limit {
		return Result{}, &Error{Code: CodeOutputTooLarge, Message: fmt.Sprintf("the output of %d bytes is over the limit of %d", len(payload), limit)}
	}
	out, err := rawjson.AppendCanonical(dst, payload, maxDepth)
	if err != nil {
		return Result{}, &Error{Code: CodeBadAnswer, Message: "the output is not one JSON value: " + err.Error(), Detail: err}
	}
	r.Output = out[len(dst):]
	return r, nil
}
