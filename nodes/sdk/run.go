package sdk

import (
	"errors"
	"slices"

	"github.com/flowtrux/edge/nodes/abi"
)

// registered are the module's nodes.
var registered []*Node

// Register registers a node of this module. Call it from a package-level variable or an init
// function. A module with several nodes, 32 at most, calls it for each, with different Types. Each
// has its own grants and limits then; they share the file.
func Register(n Node) struct{} {
	switch {
	case n.Type == "" || n.Version == "" || n.Run == nil:
		panic("sdk: a node needs Type, Version and Run")
	case slices.ContainsFunc(registered, func(o *Node) bool { return o.Type == n.Type }):
		panic("sdk: two nodes have the type " + n.Type)
	case len(registered) == abi.MaxTypes:
		panic("sdk: a module has too many nodes: " + n.Type)
	}
	registered = append(registered, &n)
	return struct{}{}
}

// describe returns the manifest of the only node, or a list of the manifests of several.
func describe(nodes []*Node) []byte {
	if len(nodes) == 1 {
		return nodes[0].Manifest()
	}
	list := []byte{'['}
	for i, n := range nodes {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, n.Manifest()...)
	}
	return append(list, ']')
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
