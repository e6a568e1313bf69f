// Package nodes embeds the built-in nodes as WebAssembly, compiled from the folders beside this
// file. A built-in node is a program like any other node, and only these bytes of it are linked
// into the server.
//
// dist is part of the repository, because a build from the module sees committed files only.
// build.go creates it, and with -check verifies that it matches the sources.
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
	// Capabilities are granted to it: those that it needs, none that its manifest calls optional.
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

// Builtin returns the built-in node types, the most used first.
func Builtin() []Node { return slices.Clone(builtin) }
