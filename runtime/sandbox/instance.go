package sandbox

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// maxDepth is how deep an output may nest.
const maxDepth = 512

// instances hands out instances that are as a module's start leaves them, whatever calls did before. Safe for concurrent use.
type instances interface {
	// acquire returns an instance for one call. ctx has the call's limit of time; parent is the caller's.
	acquire(parent, ctx context.Context) (*instance, *Error)
	// release takes it back; after a call that was not healthy its state is anything.
	release(in *instance, healthy bool)
}

// instance is a module come alive; one goroutine uses it at a time.
type instance struct {
	module api.Module
	memory *memory
}

// fresh makes an instance for each call and closes it after the call: there is no way for one call to see another.
type fresh struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
	limit   uint64   // bytes of memory
	seed    [32]byte // of the random stream of a start
}

// acquire starts an instance. The start has a session of its own, with nothing granted, so that each goes the same way
// and an instance is none the wiser about the call that it is started for.
func (f *fresh) acquire(parent, ctx context.Context) (*instance, *Error) {
	in := &instance{memory: &memory{limit: f.limit}}
	s := &hostapi.Session{Seed: f.seed}
	ctx = s.Context(ctx)
	module, err := f.instantiate(experimental.WithMemoryAllocator(ctx, in.memory))
	if err != nil {
		failure := in.ended(parent, ctx, s, err)
		if failure.Code == CodeInternal { // such as data that lies outside of the memory
			failure.Code, failure.Message = CodeTrap, "the module cannot be started: "+firstLine(err)
		}
		return nil, failure
	}
	in.module = module
	if init := module.ExportedFunction(abi.ExportInitialize); init != nil {
		if _, err := init.Call(ctx); err != nil {
			failure := in.ended(parent, ctx, s, err)
			f.release(in, false)
			return nil, failure
		}
	}
	return in, nil
}

// instantiate makes the instance itself. A panic of wazero is an error, as it is in a call.
func (f *fresh) instantiate(ctx context.Context) (_ api.Module, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the sandbox failed: %v", p)
		}
	}()
	// Without a name there can be many; _initialize is called elsewhere, where its errors can be told apart.
	return f.runtime.InstantiateModule(ctx, f.code, wazero.NewModuleConfig().WithName("").WithStartFunctions())
}

func (f *fresh) release(in *instance, _ bool) {
	// Close frees Go memory only and has nothing to report.
	_ = in.module.Close(context.Background())
}

// call passes the input in, runs the node and copies its answer out. s is the call's session.
func (in *instance) call(parent, limited context.Context, s *hostapi.Session, input, dst []byte, limit int) (Result, *Error) {
	ctx := s.Context(limited)
	if uint64(len(input)) > in.memory.limit {
		return Result{}, &Error{Code: CodeMemory, Message: fmt.Sprintf("an input of %d bytes is over the memory limit", len(input))}
	}
	got, err := in.module.ExportedFunction(abi.ExportAlloc).Call(ctx, uint64(len(input)))
	if err != nil {
		return Result{}, in.ended(parent, ctx, s, err)
	}
	ptr := uint32(got[0])
	if ptr == 0 {
		return Result{}, &Error{Code: CodeMemory, Message: "the module has no memory for its input"}
	}
	if !in.module.Memory().Write(ptr, input) {
		return Result{}, badAnswer("alloc answered with a buffer outside of the memory")
	}
	got, err = in.module.ExportedFunction(abi.ExportRun).Call(ctx, uint64(ptr), uint64(len(input)))
	if err != nil {
		return Result{}, in.ended(parent, ctx, s, err)
	}
	return in.answer(got[0], dst, limit)
}

// answer copies what a packed result names.
func (in *instance) answer(packed uint64, dst []byte, limit int) (Result, *Error) {
	kind, ptr, n := abi.Unpack(packed)
	payload, ok := in.module.Memory().Read(ptr, n)
	if !ok {
		return Result{}, badAnswer("the answer lies outside of the memory")
	}
	r := Result{Kind: kind}
	if kind != abi.Output {
		label, rest, ok := abi.SplitLabel(payload)
		if !ok {
			return Result{}, badAnswer("the answer is cut short")
		}
		r.Label, payload = string(label), rest
	}
	if kind == abi.Error || kind == abi.Fatal {
		r.Label = hostapi.CleanMessage([]byte(r.Label))
		r.Output = append(dst, hostapi.CleanMessage(payload)...)[len(dst):]
		return r, nil
	}
	if kind == abi.Routed && (r.Label == "" || !utf8.ValidString(r.Label)) {
		return Result{}, badAnswer("the answer names no handle")
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
