package sandbox

import (
	"context"
	"reflect"

	"github.com/tetratelabs/wazero/api"
)

const (
	// maxGuestStack is the maximum stack of a call, in bytes: some 100,000 calls of small
	// functions. It is slightly more than the node code uses before its engine itself reports that
	// a script recurses too deep.
	maxGuestStack = 18 << 20

	// framesRefill is how many values stack frames may hold between two checks of the stack, not
	// counting frames that are small for the fuel they cost. A value takes up to 16 bytes, so this
	// is 2 MiB.
	framesRefill = 1 << 17

	// maxReusedStack is the maximum size of stacks that the next call reuses, in bytes.
	maxReusedStack = 1 << 20
)

// guestFunction is an exported function of an instance. It has its own stack, which wazero doubles
// when it is full.
type guestFunction struct {
	api.Function
	stack guestStack
}

// guestStack points to wazero's own description of a stack. It is only read.
type guestStack struct {
	space        *[]byte
	top, pointer *uintptr // pointer is from when the guest last called the host
}

// noGuestStack is the stack of functions that wazero's compiler has not compiled. On processors
// that it does not support, wazero uses its interpreter, which limits the depth of calls itself.
var noGuestStack = guestStack{new([]byte), new(uintptr), new(uintptr)}

// newGuestFunction finds the stack of f in fields that wazero does not export. There is no other
// way to see how deep a guest recurses, since its code does not tell the size of compiled frames. A
// test fails if wazero renames the fields.
func newGuestFunction(f api.Function) guestFunction {
	if f == nil {
		return guestFunction{}
	}
	s := noGuestStack
	if v := reflect.ValueOf(f); v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
		space := v.Elem().FieldByName("stack")
		top := v.Elem().FieldByName("stackTop")
		pointer := v.Elem().FieldByName("execCtx")
		if pointer.IsValid() && pointer.Kind() == reflect.Struct {
			pointer = pointer.FieldByName("stackPointerBeforeGoCall")
		}
		if isA[[]byte](space) && isA[uintptr](top) && isA[*uint64](pointer) {
			s = guestStack{
				(*[]byte)(space.Addr().UnsafePointer()), (*uintptr)(top.Addr().UnsafePointer()), (*uintptr)(pointer.Addr().UnsafePointer()),
			}
		}
	}
	return guestFunction{f, s}
}

func isA[T any](v reflect.Value) bool { return v.IsValid() && v.Type() == reflect.TypeFor[T]() }

// size returns the size of the stack in the host's memory, in bytes.
func (s *guestStack) size() int { return len(*s.space) }

// used returns how many bytes of it the guest uses. The guest must be waiting for the host.
func (s *guestStack) used() uintptr { return *s.top - *s.pointer }

// function returns an exported function. Its Function is nil if it does not exist.
func (in *instance) function(name string) guestFunction {
	return newGuestFunction(in.module.ExportedFunction(name))
}

// call calls a function with the parameters in in.stack, which receives its results.
func (in *instance) call(ctx context.Context, f *guestFunction) error {
	in.memory.meter.stack = &f.stack
	return f.CallWithStack(ctx, in.stack[:])
}

// stacks returns the size of the stacks that the instance's next call reuses, in bytes.
func (in *instance) stacks() (n int) {
	for _, h := range []*guestFunction{&in.allocFn, &in.runFn, &in.startFn} {
		if h.Function != nil {
			n += h.stack.size()
		}
	}
	return n
}

// discardStacks records that stacks of this many bytes have become garbage.
func (in *instance) discardStacks(stacks int) {
	if stacks > smallStacks {
		in.memory.footprint.budget.addGarbage(inHeap * int64(stacks-smallStacks))
	}
}
