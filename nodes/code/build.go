//go:build ignore

// Build makes dist/code.wasm: QuickJS-ng, as the npm package quickjs-wasi has it, merged with the
// glue beside this file.
//
//	go run ./nodes/code/build.go          builds; needs clang-19, wasm-ld-19 and npm
//	go run ./nodes/code/build.go -check   compares the committed files with SHA256SUMS and, where
//	                                      these tools are, builds elsewhere and compares; it says
//	                                      what it has done
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	wasm = "../dist/code.wasm"
	sums = "SHA256SUMS"

	// The engine in the package, so that a changed package is never merged.
	engineFile = "node_modules/quickjs-wasi/quickjs.wasm"
	engineSum  = "d4c9375f2b1ca4dc95f72c8aa2982a7a9951ac8011490d79c6582df732b4bbd9"

	// The engine's memory begins with 18 pages of 64 KiB. The glue's data and stack are in two
	// more, behind them.
	enginePages, pages = 18, 20
)

// inputs are the files that the module is made of.
var inputs = []string{
	"engine.h", "glue.c", "json.c", "json.h", "manifest.json", "package-lock.json",
	"prelude/code.js", "prelude/fetch.js", "prelude/text.js", "prelude/url.js",
}

// exports are those of the result.
var exports = []string{"memory", "alloc", "run", "prepare", "describe", "_initialize"}

func main() {
	check := flag.Bool("check", false, "compare instead of writing")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "nodes/code:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("finding the module: %w", err)
	}
	if err := os.Chdir(filepath.Join(strings.TrimSpace(string(module)), "nodes", "code")); err != nil {
		return err
	}
	if check {
		return compare()
	}
	built, err := build()
	if err != nil {
		return err
	}
	if err := os.WriteFile(wasm, built, 0o644); err != nil {
		return err
	}
	list, err := list()
	if err != nil {
		return err
	}
	fmt.Printf("%-20s %8d bytes\n", "code.wasm", len(built))
	return os.WriteFile(sums, list, 0o644)
}

// list is the content of SHA256SUMS for the files as they are.
func list() ([]byte, error) {
	var out []byte
	for _, file := range append([]string{wasm}, inputs...) {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		out = fmt.Appendf(out, "%x  %s\n", sha256.Sum256(content), file)
	}
	return out, nil
}

func compare() error {
	have, err := os.ReadFile(sums)
	if err != nil {
		return err
	}
	want, err := list()
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return errors.New("the files are not those of SHA256SUMS: run `go run ./nodes/code/build.go` and commit what changes")
	}
	for _, tool := range []string{"clang-19", "wasm-ld-19", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			fmt.Printf("%-20s its digest is right; not built anew, there is no %s\n", "code.wasm", tool)
			return nil
		}
	}
	built, err := build()
	if err != nil {
		return err
	}
	if committed, err := os.ReadFile(wasm); err != nil || !bytes.Equal(built, committed) {
		return errors.New("dist/code.wasm is not what nodes/code gives: run `go run ./nodes/code/build.go` and commit it")
	}
	fmt.Printf("%-20s its digest is right, and a new build gives the same\n", "code.wasm")
	return nil
}

// build makes the module with nothing of the machine in it.
func build() ([]byte, error) {
	dir, err := os.MkdirTemp("", "code-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, file := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(in(file), content, 0o644); err != nil {
			return nil, err
		}
	}
	if err := command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix", dir); err != nil {
		return nil, err
	}
	if err := widen(in(engineFile), in("engine.wasm")); err != nil {
		return nil, err
	}
	for _, name := range []string{"glue", "json"} {
		if err := command("clang-19", "--target=wasm32", "-std=c23", "-O2", "-nostdlib", "-ffreestanding", "-mbulk-memory", "-fvisibility=hidden",
			"-Wall", "-Wextra", "-Werror", "-c", name+".c", "-o", in(name+".o")); err != nil {
			return nil, err
		}
	}
	if err := command("wasm-ld-19", "--no-entry", "--import-memory=quickjs,memory", "--strip-all",
		fmt.Sprintf("--global-base=%d", enginePages<<16), "-z", "stack-size=16384", "-o", in("glue.wasm"), in("glue.o"), in("json.o")); err != nil {
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
	if err := command(bin+"/wasm-merge", append(features, in("glue.wasm"), "env", in("engine.wasm"), "quickjs",
		"--rename-export-conflicts", "-o", in("merged.wasm"))...); err != nil {
		return nil, err
	}
	if err := command(bin+"/wasm-metadce", append(features, in("merged.wasm"),
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

// command runs a tool. What it prints is shown only when it fails: wasm-metadce lists what it takes
// out.
func command(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, out[max(0, len(out)-4096):])
	}
	return nil
}
