package hostapi

import (
	"context"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/flowtrux/edge/nodes/abi"
)

// Function is a function that the host offers.
type Function struct {
	Module, Name    string
	Params, Results []api.ValueType
	Needs           Capability // "" = any node may import it

	call api.GoModuleFunc
}

const (
	i32 = api.ValueTypeI32
	i64 = api.ValueTypeI64
)

func types(t ...api.ValueType) []api.ValueType { return t }

// Offered returns all functions that the host offers. The caller owns the result.
func Offered() []Function {
	own := []Function{
		{Name: abi.ImportLog, Params: types(i32, i32, i32), Needs: CapLog, call: hostLog},
		{Name: abi.ImportHTTP, Params: types(i32, i32), Results: types(i32), Needs: CapHTTP, call: hostHTTP},
		{Name: abi.ImportGlobalSet, Params: types(i32, i32, i32, i32), Results: types(i32), Needs: CapGlobals, call: hostGlobalSet},
		{Name: abi.ImportGlobalGet, Params: types(i32, i32), Results: types(i32), Needs: CapGlobals, call: hostGlobalGet},
		{Name: abi.ImportGlobalAdd, Params: types(i32, i32, i64), Results: types(i32), Needs: CapGlobals, call: hostGlobalAdd},
		{Name: abi.ImportTake, Params: types(i32), call: hostTake},
	}
	for i := range own {
		own[i].Module = abi.HostModule
	}
	// AssemblyScript's runtime imports it:
	// https://www.assemblyscript.org/concepts.html#special-imports
	abort := Function{Module: "env", Name: "abort", Params: types(i32, i32, i32, i32), call: func(context.Context, api.Module, []uint64) {
		panic(ExitError{Code: 255})
	}}
	return append(append(own, abort), wasiFunctions()...)
}

// metered returns call with a cost for each call, also for calls that are refused.
func metered(call api.GoModuleFunc) api.GoModuleFunc {
	return func(ctx context.Context, m api.Module, stack []uint64) {
		session(ctx).charge(costCall)
		call(ctx, m, stack)
	}
}

// Instantiate registers all functions with a runtime, once.
func Instantiate(ctx context.Context, r wazero.Runtime) error {
	builders := make(map[string]wazero.HostModuleBuilder)
	var order []string
	for _, f := range Offered() {
		b, ok := builders[f.Module]
		if !ok {
			b = r.NewHostModuleBuilder(f.Module)
			order = append(order, f.Module)
		}
		builders[f.Module] = b.NewFunctionBuilder().WithGoModuleFunction(metered(f.call), f.Params, f.Results).Export(f.Name)
	}
	for _, name := range order {
		if _, err := builders[name].Instantiate(ctx); err != nil {
			return fmt.Errorf("offering module %s: %w", name, err)
		}
	}
	return nil
}

// ExitError is the panic that ends a guest when it calls proc_exit or abort. wazero returns it as
// the call's error.
type ExitError struct{ Code uint32 }

func (e ExitError) Error() string { return fmt.Sprintf("the module exited with status %d", e.Code) }

// MisuseError is the panic of a function that was called with arguments no correct guest passes.
// wazero returns it as the call's error.
type MisuseError struct{ Function, Reason string }

func (e MisuseError) Error() string { return e.Function + ": " + e.Reason }

// TimeoutError is the panic of a function that is running or waiting when the call's time limit
// passes. wazero returns it as the call's error.
type TimeoutError struct{}

func (TimeoutError) Error() string { return "the time limit has passed" }

// view returns a range of the guest's memory, valid only until the guest continues.
func (s *Session) view(m api.Module, function string, ptr, n uint64) []byte {
	b, ok := s.Memory.Read(m, uint32(ptr), uint32(n))
	if !ok {
		panic(misplaced(function))
	}
	return b
}

func misplaced(function string) MisuseError {
	return MisuseError{function, "a range outside of the memory"}
}

func hostLog(ctx context.Context, m api.Module, stack []uint64) {
	s := session(ctx)
	level := int(int32(stack[0]))
	if message := s.view(m, abi.ImportLog, stack[1], stack[2]); s.Grants.Log {
		s.charge(min(len(message), 4*maxLogLine)) // as much as clean reads
		s.log(min(max(level, abi.LogDebug), abi.LogError), message)
	}
}

func hostHTTP(ctx context.Context, m api.Module, stack []uint64) {
	s := session(ctx)
	req := s.view(m, abi.ImportHTTP, stack[0], stack[1])
	switch {
	case !s.Grants.HTTP:
		stack[0] = s.fail(&Failure{Code: "http_not_allowed", Message: "this node may not use http", Fatal: true})
		return
	case s.HTTP == nil:
		stack[0] = s.fail(&Failure{Code: "http_not_available", Message: "http is not available here", Fatal: true})
		return
	case s.httpCalls >= MaxHTTPCalls:
		stack[0] = s.fail(&Failure{Code: "http_too_many", Message: "too many http requests in one call", Fatal: true})
		return
	}
	s.httpCalls++
	s.charge(len(req))
	o := HTTPOptions{Hosts: s.Grants.HTTPHosts, IdempotencyKey: s.IdempotencyKey, MaxResponse: s.MaxResponse}
	if o.MaxResponse == 0 {
		o.MaxResponse = defaultHTTP
	}
	ctx, cancel := s.waitContext()
	defer cancel()
	response, err := s.HTTP.Do(ctx, req, o, append(s.result[:0], byte(abi.Output)))
	switch {
	case err != nil:
		stack[0] = s.fail(err)
	case len(response) > MaxResult:
		stack[0] = s.fail(&Failure{Code: "http_response_too_large", Message: "the response is too large", Fatal: true})
	default:
		s.result = response
		stack[0] = uint64(len(response))
	}
}

// hostTake copies the pending result into the guest. Without one it traps: the guest has lost
// count.
func hostTake(ctx context.Context, m api.Module, stack []uint64) {
	s := session(ctx)
	if len(s.result) == 0 {
		panic(MisuseError{abi.ImportTake, "there is no result"})
	}
	s.charge(len(s.result))
	if !s.Memory.Write(m, uint32(stack[0]), s.result) {
		panic(misplaced(abi.ImportTake))
	}
	s.result = s.result[:0]
}

// now returns the time that the guest sees. Within a call it never goes back, even when the host's
// clock is set.
func (s *Session) now() time.Time {
	switch {
	case !s.Grants.Clock && s.Start.IsZero():
		return Epoch.Add(s.clockOffset)
	case !s.Grants.Clock:
		return s.Start.Add(s.clockOffset)
	case s.began.IsZero():
		s.began, s.Live = time.Now(), true
	}
	return s.began.Add(time.Since(s.began))
}
