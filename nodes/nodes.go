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

// File is a WebAssembly file with built-in node types: one, or several as a family.
type File struct {
	Name  string // for messages
	Wasm  []byte // must not be changed
	Types []Type
}

// Type is a built-in node type.
type Type struct {
	Name string
	// Capabilities are granted to it: those that it needs, none that its manifest calls optional.
	Capabilities []string
}

var (
	//go:embed dist/builtin.wasm
	common []byte
	//go:embed dist/code.wasm
	code []byte
)

var builtin = []File{
	{"builtin.wasm", common, []Type{
		{"transform", []string{"globals"}},
		{"condition", nil},
		{"http-request", []string{"http"}},
		{"switch", nil},
	}},
	{"code.wasm", code, []Type{{"code", []string{"log"}}}},
}

// Builtin returns the files of the built-in node types, the most used first.
func Builtin() []File { return slices.Clone(builtin) }

// Names returns the names of the built-in node types, in the order of Builtin.
func Names() (names []string) {
	for _, f := range builtin {
		for _, t := range f.Types {
			names = append(names, t.Name)
		}
	}
	return names
}

// Find returns a built-in node type and its file. ok is false if there is none of that name.
func Find(name string) (in File, t Type, ok bool) {
	for _, f := range builtin {
		for _, t := range f.Types {
			if t.Name == name {
				return f, t, true
			}
		}
	}
	return File{}, Type{}, false
}
