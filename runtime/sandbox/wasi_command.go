package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// commandExports are the functions that a WASI command must export.
var commandExports = []export{{name: abi.ExportStart}}

// isCommand reports whether a module is a WASI command: a program from any compiler that knows
// nothing of nodes.
func isCommand(code wazero.CompiledModule) bool {
	functions := code.ExportedFunctions()
	return functions[abi.ExportStart] != nil && functions[abi.ExportRun] == nil && functions[abi.ExportRunType] == nil
}

// runCommand runs a WASI command. The input is its standard input, and its standard output is the
// output. The snapshot of a command is that of a program that has not begun, so its start is part
// of each call. returned is false if the program did not return from its start. That includes
// success: Go programs always exit.
func (in *instance) runCommand(ctx context.Context, s *hostapi.Session, input, dst []byte, l *Limits) (_ Result, returned bool, _ *Error) {
	limit := max(l.Output, s.MaxOutput)
	s.Pipe(input, limit)
	in.memory.meter.begin(ctx, s.Deadline, int64(l.Fuel))
	err := in.call(in.context(ctx, s), &in.startFn)
	spent := in.memory.meter.spent()
	s.Fuel, s.MemorySize = in.memory.meter.end(), in.memory.size-uint64(in.layout.Base)
	payload, over := s.Piped()
	var exit hostapi.ExitError
	switch {
	case err != nil && !(errors.As(err, &exit) && exit.Code == 0):
		return Result{}, false, in.callError(ctx, s, err)
	case spent:
		return Result{}, false, in.callError(ctx, s, errFuel)
	case over:
		return Result{}, err == nil, &Error{Code: CodeOutputTooLarge, Message: fmt.Sprintf("the output is over the limit of %d bytes", limit)}
	}
	out, bad := rawjson.AppendCanonical(dst, payload, maxDepth)
	if bad != nil {
		return Result{}, err == nil, &Error{Code: CodeBadAnswer, Message: "standard output is not one JSON value: " + bad.Error(), Detail: bad}
	}
	return Result{Kind: abi.Output, Output: out[len(dst):]}, err == nil, nil
}
