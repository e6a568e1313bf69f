//go:build ignore

// Build makes dist/builtin.wasm: the nodes in C, one module.
//
//	go run ./nodes/build.go          builds; needs clang-19 and lld-19
//	go run ./nodes/build.go -check   builds elsewhere and compares
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/flowtrux/edge/internal/distbuild"
)

// stackSize is the module's stack, in bytes. It comes first in the memory, so that a call that
// needs more of it traps instead of overwriting data.
const stackSize = 64 << 10

func main() {
	distbuild.Main(&distbuild.File{Name: "builtin.wasm", Sources: "builtin", Command: "make nodes", Build: build})
}

// build compiles all sources and links them at once, so that functions are inlined across files.
// With -O2 a call is as fast, and the server takes half as much time again to compile the module.
// Clang does not link, since it would also run a wasm-opt where it finds one.
func build(tmp string) ([]byte, error) {
	out := filepath.Join(tmp, "builtin.wasm")
	link := []string{"--no-entry", "--stack-first", "-z", fmt.Sprintf("stack-size=%d", stackSize), "--strip-all", "-o", out}
	for _, pattern := range []string{"*.c", "*/*.c"} {
		sources, err := filepath.Glob(pattern) // in order
		if err != nil {
			return nil, err
		}
		for _, source := range sources {
			object := filepath.Join(tmp, fmt.Sprintf("%d.o", len(link)))
			if err := distbuild.Clang("-Os", "-flto", "-I.", "-c", source, "-o", object); err != nil {
				return nil, err
			}
			link = append(link, object)
		}
	}
	if err := distbuild.Run("wasm-ld-19", link...); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}
