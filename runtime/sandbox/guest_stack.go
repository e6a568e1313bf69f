package sandbox

import (
	"context"
	"reflect"

	"github.com/tetratelabs/wazero/api"
)

const (
	// maxGuestStack is how much of its stack a call may use, in bytes: some 100,000 calls of small
	// functions, and a little more than what the node code needs until its engine says by itself
	// that a script recurses too deep.
	maxGuestStack = 18 << 20

	// framesRefill is how many values the frames on the stack may take until the host looks at it,
	// besides those that are small for the fuel they cost. A value takes up to 16 bytes, so that is
	// 2 MiB.
	framesRefill = 1 << 17

	// maxReusedStack is the size up to which stacks are kept for the next call, in bytes.
	maxReusedStack = 1 << 20
)

// guestFunction is a function of an instance. It has a stack of its own, which the engine makes twice as
// large when it is full.
type guestFunction struct {
	api.Function
	stack guestStack
}

// guestStack is where the engine keeps what it knows of a stack. It is only looked at.
type guestStack struct {
	space        *[]byte
	top, pointer *uintptr // pointer is that of when the guest last called the host
}

// noGuestStack is the stack of a function of another engine than wazero's compiler: of the interpreter,
// for processors that the compiler does not know, which bounds the depth of calls itself.
var noGuestStack = guestStack{new([]byte), new(uintptr), new(uintptr)}

// newGuestFunction looks for the stack of f, in fields that wazero does not export. It is all there is to
// see how deep a guest recurses: its code does not say how large a frame the compiler makes. A test
// tells when wazero names them otherwise.
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

// size is what the stack has of the host's memory, in bytes.
func (s *guestStack) size() int { return len(*s.space) }

// used is how much of it the guest uses, in bytes, while it waits for the host.
func (s *guestStack) used() uintptr { return *s.top - *s.pointer }

// function finds an exported function. Its Function is nil when there is none.
func (in *instance) function(name string) guestFunction {
	return newGuestFunction(in.module.ExportedFunction(name))
}

// call calls a function with the parameters in in.stack, where its results are then.
func (in *instance) call(ctx context.Context, f *guestFunction) error {
	in.memory.meter.stack = &f.stack
	return f.CallWithStack(ctx, in.stack[:])
}

// stacks is the size of the stacks that the instance keeps for its next call, in bytes.
func (in *instance) stacks() (n int) {
	for _, h := range []*guestFunction{&in.allocFn, &in.runFn, &in.startFn} {
		if h.Function != nil {
			n += h.stack.size()
		}
	}
	return n
}

// discardStacks notes that stacks of so many bytes are not used any more.
func (in *instance) discardStacks(stacks int) {
	if stacks > smallStacks {
		in.memory.footprint.budget.addGarbage(inHeap * int64(stacks-smallStacks))
	}
}
