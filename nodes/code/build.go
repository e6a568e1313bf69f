//go:build ignore

// Build makes dist/code.wasm: QuickJS-ng, as the npm package quickjs-wasi has it, merged with the
// glue beside this file.
//
//	go run ./nodes/code/build.go          builds; needs clang-19, lld-19 and npm
//	go run ./nodes/code/build.go -check   builds elsewhere and compares
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/flowtrux/edge/internal/distbuild"
)

const (
	// The engine in the package, so that a changed package is never merged.
	engineFile = "node_modules/quickjs-wasi/quickjs.wasm"
	engineSum  = "d4c9375f2b1ca4dc95f72c8aa2982a7a9951ac8011490d79c6582df732b4bbd9"

	// The engine's memory begins with 18 pages of 64 KiB. The glue's data and stack are in two
	// more, behind them.
	enginePages, pages = 18, 20
)

// exports are those of the result.
var exports = []string{"memory", "alloc", "run", "prepare", "describe", "_initialize"}

func main() {
	distbuild.Main(&distbuild.File{Name: "code.wasm", Sources: "code", Command: "go run ./nodes/code/build.go", Build: build})
}

func build(tmp string) ([]byte, error) {
	in := func(name string) string { return filepath.Join(tmp, name) }
	for _, file := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(in(file), content, 0o644); err != nil {
			return nil, err
		}
	}
	if err := distbuild.Run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix", tmp); err != nil {
		return nil, err
	}
	if err := widen(in(engineFile), in("engine.wasm")); err != nil {
		return nil, err
	}
	link := []string{
		"--no-entry", "--import-memory=quickjs,memory", "--strip-all",
		fmt.Sprintf("--global-base=%d", enginePages<<16), "-z", "stack-size=16384", "-o", in("glue.wasm"),
	}
	for _, name := range []string{"glue", "json_read", "json_write"} {
		object := in(name + ".o")
		if err := distbuild.Clang("-O2", "-ffreestanding", "-c", name+".c", "-o", object); err != nil {
			return nil, err
		}
		link = append(link, object)
	}
	if err := distbuild.Run("wasm-ld-19", link...); err != nil {
		return nil, err
	}
	roots := make([]map[string]any, len(exports))
	for i, name := range exports {
		roots[i] = map[string]any{"name": name, "root": true, "export": name}
	}
	graph, err := json.Marshal(roots)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(in("graph.json"), graph, 0o644); err != nil {
		return nil, err
	}
	features := []string{
		"--enable-bulk-memory", "--enable-sign-ext", "--enable-nontrapping-float-to-int", "--enable-mutable-globals",
		"--enable-multivalue", "--enable-reference-types",
	}
	bin := in("node_modules/binaryen/bin/")
	if err := distbuild.Run(bin+"/wasm-merge", append(features, in("glue.wasm"), "env", in("engine.wasm"), "quickjs",
		"--rename-export-conflicts", "-o", in("merged.wasm"))...); err != nil {
		return nil, err
	}
	if err := distbuild.Run(bin+"/wasm-metadce", append(features, in("merged.wasm"),
		"--graph-file="+in("graph.json"), "-o", in("code.wasm"))...); err != nil {
		return nil, err
	}
	return os.ReadFile(in("code.wasm"))
}

// widen copies the engine with room for the glue in its memory.
func widen(from, to string) error {
	engine, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(engine)); sum != engineSum {
		return fmt.Errorf("the engine's sha256 is %s, not %s", sum, engineSum)
	}
	const memorySection, size, memories, noMaximum = 5, 3, 1, 0
	before := []byte{memorySection, size, memories, noMaximum, enginePages}
	if bytes.Count(engine, before) != 1 {
		return errors.New("the engine's memory is not what it was")
	}
	after := bytes.Clone(before)
	after[len(after)-1] = pages
	return os.WriteFile(to, bytes.Replace(engine, before, after, 1), 0o644)
}
