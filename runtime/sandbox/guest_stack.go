package sandbox

import (
	"context"
	"reflect"

	"github.com/tetratelabs/wazero/api"
)

const (
	// maxStack is how much of its stack a call may use, in bytes: some 100,000 calls of small
	// functions, and a little more than what the node code needs until its engine says by itself
	// that a script recurses too deep.
	maxStack = 18 << 20

	// frames is how many values the frames on the stack may take until the host looks at it,
	// besides those that are small for the fuel they cost. A value takes up to 16 bytes, so that is
	// 2 MiB.
	frames = 1 << 17

	// keptStack is the size up to which stacks are kept for the next call, in bytes.
	keptStack = 1 << 20
)

// handle is a function of an instance. It has a stack of its own, which the engine makes twice as
// large when it is full.
type handle struct {
	api.Function
	stack stack
}

// stack is where the engine keeps what it knows of a stack. It is only looked at.
type stack struct {
	space        *[]byte
	top, pointer *uintptr // pointer is that of when the guest last called the host
}

// noStack is the stack of a function of another engine than wazero's compiler: of the interpreter,
// for processors that the compiler does not know, which bounds the depth of calls itself.
var noStack = stack{new([]byte), new(uintptr), new(uintptr)}

// newHandle looks for the stack of f, in fields that wazero does not export. It is all there is to
// see how deep a guest recurses: its code does not say how large a frame the compiler makes. A test
// tells when wazero names them otherwise.
func newHandle(f api.Function) handle {
	if f == nil {
		return handle{}
	}
	s := noStack
	if v := reflect.ValueOf(f); v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
		space := v.Elem().FieldByName("stack")
		top := v.Elem().FieldByName("stackTop")
		pointer := v.Elem().FieldByName("execCtx")
		if pointer.IsValid() && pointer.Kind() == reflect.Struct {
			pointer = pointer.FieldByName("stackPointerBeforeGoCall")
		}
		if isA[[]byte](space) && isA[uintptr](top) && isA[*uint64](pointer) {
			s = stack{
				(*[]byte)(space.Addr().UnsafePointer()), (*uintptr)(top.Addr().UnsafePointer()), (*uintptr)(pointer.Addr().UnsafePointer()),
			}
		}
	}
	return handle{f, s}
}

func isA[T any](v reflect.Value) bool { return v.IsValid() && v.Type() == reflect.TypeFor[T]() }

// size is what the stack has of the host's memory, in bytes.
func (s *stack) size() int { return len(*s.space) }

// used is how much of it the guest uses, in bytes, while it waits for the host.
func (s *stack) used() uintptr { return *s.top - *s.pointer }

// handle finds an exported function. Its Function is nil when there is none.
func (in *instance) handle(name string) handle {
	return newHandle(in.module.ExportedFunction(name))
}

// call calls a function with the parameters in in.stack, where its results are then.
func (in *instance) call(ctx context.Context, f *handle) error {
	in.memory.meter.stack = &f.stack
	return f.CallWithStack(ctx, in.stack[:])
}

// stacks is the size of the stacks that the instance keeps for its next call, in bytes.
func (in *instance) stacks() (n int) {
	for _, h := range []*handle{&in.alloc, &in.run, &in.main} {
		if h.Function != nil {
			n += h.stack.size()
		}
	}
	return n
}

// discard notes that stacks of so many bytes are not used any more.
func (in *instance) discard(stacks int) {
	if stacks > smallStacks {
		in.memory.holding.budget.discarded(inHeap * int64(stacks-smallStacks))
	}
}
