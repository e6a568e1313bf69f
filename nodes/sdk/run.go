package sdk

import (
	"errors"

	"github.com/flowtrux/edge/nodes/abi"
)

// registered is the module's node: a module is one node.
var registered *Node

// Register registers the node of this module. Call it once, from a package-level variable or an
// init function.
func Register(n Node) struct{} {
	switch {
	case registered != nil:
		panic("sdk: Register was called twice: a module is one node")
	case n.Type == "" || n.Version == "" || n.Run == nil:
		panic("sdk: a node needs Type, Version and Run")
	}
	registered = &n
	return struct{}{}
}

// call runs the node and turns a panic into an error, so that its author sees the text instead of a
// module that exits.
func call(n *Node, ctx *Context, config []byte) (output []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			output, err = nil, Fatal("panic", "the node panicked: "+panicText(r))
		}
	}()
	return n.Run(ctx, config)
}

func panicText(r any) string {
	switch v := r.(type) {
	case error:
		return v.Error()
	case string:
		return v
	}
	return "a value that is not text"
}

// pack returns the kind and the payload of a result. An output is passed on as it is. All else is
// written to buf, which must never have been part of an output: that memory is the node's.
func pack(buf []byte, ctx *Context, output []byte, err error) (abi.Kind, []byte) {
	if err != nil {
		kind, code := abi.Error, ""
		if e, ok := errors.AsType[*Error](err); ok {
			code = e.Code
			if e.Fatal {
				kind = abi.Fatal
			}
		}
		return kind, append(abi.AppendLabel(buf, code), err.Error()...)
	}
	if ctx.routed {
		return abi.Routed, append(abi.AppendLabel(buf, ctx.handle), output...)
	}
	return abi.Output, output
}
