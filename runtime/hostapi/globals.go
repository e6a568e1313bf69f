package hostapi

import (
	"bytes"
	"context"

	"github.com/tetratelabs/wazero/api"

	"github.com/flowtrux/edge/nodes/abi"
)

func hostGlobalSet(ctx context.Context, m api.Module, stack []uint64) {
	s := session(ctx)
	key := s.view(m, abi.ImportGlobalSet, stack[0], stack[1])
	value := s.view(m, abi.ImportGlobalSet, stack[2], stack[3])
	if refused := s.checkGlobal(key, "write", "written", &s.globalSets); refused != nil {
		stack[0] = s.fail(refused)
		return
	}
	s.charge(len(value))
	ctx, cancel := s.waitContext()
	defer cancel()
	if err := s.Globals.SetGlobal(ctx, string(key), bytes.Clone(value)); err != nil {
		stack[0] = s.fail(err)
		return
	}
	stack[0] = s.putResult(abi.Output, "", nil)
}

func hostGlobalGet(ctx context.Context, m api.Module, stack []uint64) {
	s := session(ctx)
	key := s.view(m, abi.ImportGlobalGet, stack[0], stack[1])
	if refused := s.checkGlobal(key, "read", "read", &s.globalGets); refused != nil {
		stack[0] = s.fail(refused)
		return
	}
	value, err := s.Globals.GetGlobal(string(key))
	if err != nil {
		stack[0] = s.fail(err)
		return
	}
	s.charge(len(value))
	stack[0] = s.putResult(abi.Output, "", value)
}

func hostGlobalAdd(ctx context.Context, m api.Module, stack []uint64) {
	s := session(ctx)
	key := s.view(m, abi.ImportGlobalAdd, stack[0], stack[1])
	if refused := s.checkGlobal(key, "write", "written", &s.globalSets); refused != nil {
		stack[0] = s.fail(refused)
		return
	}
	ctx, cancel := s.waitContext()
	defer cancel()
	sum, err := s.Globals.AddGlobal(ctx, string(key), int64(stack[2]))
	if err != nil {
		stack[0] = s.fail(err)
		return
	}
	stack[0] = s.putResult(abi.Output, "", sum)
}

// checkGlobal returns the reason why the call may not access a global. If it may, checkGlobal
// counts the access and returns nil.
func (s *Session) checkGlobal(key []byte, does, done string, calls *int) error {
	switch {
	case !s.Grants.Globals:
		return &Failure{Code: "global_not_allowed", Message: "this node may not " + does + " globals", Fatal: true}
	case s.Globals == nil:
		return &Failure{Code: "global_not_available", Message: "globals are not available here", Fatal: true}
	case len(key) > maxGlobalKey:
		return &Failure{Code: "global_not_allowed", Message: "the key of a global is too long", Fatal: true}
	case *calls >= MaxGlobalCalls:
		return &Failure{Code: "global_too_many", Message: "too many globals " + done + " in one call", Fatal: true}
	}
	*calls++
	return nil
}

// Failures that implementations of Globals return.
var (
	// ErrGlobalSecret is GetGlobal's error for a secret global: no module sees those as text.
	ErrGlobalSecret = &Failure{Code: "global_not_allowed", Message: "secret globals cannot be read", Fatal: true}
	// ErrGlobalNotInteger is AddGlobal's error when the value is not an integer or the sum exceeds
	// 64 bits.
	ErrGlobalNotInteger = &Failure{Code: "global_not_integer", Message: "the global is not an integer of 64 bits", Fatal: true}
)
