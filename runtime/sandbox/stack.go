package sandbox

import (
	"context"
	"reflect"

	"github.com/tetratelabs/wazero/api"
)

const (
	// maxStack is the size from which on a call's stack has overflowed, in bytes. The engine begins with 10 KiB and doubles
	// that, so a call has at least half of maxStack, which is some 50,000 functions of an ordinary program. What a guest may
	// add between two looks, see frames, makes it one more doubling at most.
	maxStack = 16 << 20

	// frames is how many values the frames on the stack may take until the host looks at it, besides those that are small
	// for the fuel they cost. A value takes up to 16 bytes, so that is 2 MiB.
	frames = 1 << 17

	// keptStack is the size up to which a stack is kept for the next call, in bytes.
	keptStack = 256 << 10
)

// handle is a function of an instance.
type handle struct {
	api.Function
	stack *[]byte // of the engine, only to be looked at: len tells its size
}

// newHandle looks for the stack of f. wazero's compiler keeps one for each api.Function, in a field that it does not
// export. The size of that is all that can be known of how deep a guest recurses: its code does not say how large a
// frame the compiler makes. wazero's interpreter, for other processors, has no such field: it bounds the depth itself.
func newHandle(f api.Function) handle {
	if f == nil {
		return handle{}
	}
	if v := reflect.ValueOf(f); v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
		if stack := v.Elem().FieldByName("stack"); stack.IsValid() && stack.Type() == reflect.TypeFor[[]byte]() {
			return handle{f, (*[]byte)(stack.Addr().UnsafePointer())}
		}
	}
	return handle{f, new([]byte)}
}

// handle finds an exported function. Its Function is nil when there is none.
func (in *instance) handle(name string) handle {
	return newHandle(in.module.ExportedFunction(name))
}

// call calls a function with the parameters in in.stack, where its results are then.
func (in *instance) call(ctx context.Context, f handle) error {
	in.memory.meter.stack = f.stack
	return f.CallWithStack(ctx, in.stack[:])
}

// stacks is the size of the stacks that the instance keeps for its next call.
func (in *instance) stacks() int {
	if in.run.Function == nil {
		return len(*in.main.stack)
	}
	return len(*in.alloc.stack) + len(*in.run.stack)
}
