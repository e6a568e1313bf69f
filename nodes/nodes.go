// Package nodes has the built-in nodes as WebAssembly, compiled from the folders beside this file: a node is a program
// like any other node, and nothing but these bytes of it is linked into the server.
//
// dist is part of the repository, because a build from the module sees committed files only; build.go makes it, and with
// -check proves that it is what the sources give.
package nodes

import (
	_ "embed"
	"slices"
)

//go:generate go run build.go

// Node is a built-in node type.
type Node struct {
	Type string
	Wasm []byte // must not be changed
	// Capabilities it is granted: what it cannot do without. Of those that its manifest calls optional it gets none.
	Capabilities []string
}

var (
	//go:embed dist/code.wasm
	code []byte
	//go:embed dist/condition.wasm
	condition []byte
	//go:embed dist/http-request.wasm
	httpRequest []byte
	//go:embed dist/switch.wasm
	switchNode []byte
	//go:embed dist/transform.wasm
	transform []byte
)

var builtin = []Node{
	{"transform", transform, []string{"globals"}},
	{"condition", condition, nil},
	{"http-request", httpRequest, []string{"http"}},
	{"switch", switchNode, nil},
	{"code", code, []string{"log"}},
}

// Builtin lists the built-in node types, those first that most workflows have.
func Builtin() []Node { return slices.Clone(builtin) }
