package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// clangs are the names that clang goes by, the one that is tested with first.
var clangs = []string{"clang-19", "clang", "clang-20", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14"}

// wasm32 are the flags for a module with no library under it and no start.
var wasm32 = []string{"--target=wasm32", "-O2", "-nostdlib", "-Wl,--no-entry", "-Wl,-z,stack-size=8192"}

// findClang finds a clang that can make WebAssembly: it needs the linker of its version, which is a package of its own. What it
// makes goes to dir: with wasm-opt installed clang reads its output again, so that it has to be a file.
func findClang(ctx context.Context, dir string) (string, error) {
	for _, name := range clangs {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if exec.CommandContext(ctx, path, append(wasm32, "-x", "c", os.DevNull, "-o", filepath.Join(dir, "empty.wasm"))...).Run() == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no clang with lld that can make WebAssembly, of which guests are made; on Debian: apt-get install clang lld")
}

// buildC compiles bench/guests/<name>.c, which has no library under it, and returns the module's file.
func (b *bench) buildC(ctx context.Context, name string) (string, error) {
	file := filepath.Join(b.dir, name+"-c.wasm")
	source := filepath.Join(b.module, "bench", "guests", name+".c")
	if out, err := exec.CommandContext(ctx, b.clang, append(wasm32, "-o", file, source)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling %s: %w\n%s", source, err, out)
	}
	return file, nil
}

// buildGo compiles bench/guests/<name> as users compile their nodes, and returns the module's file.
func (b *bench) buildGo(ctx context.Context, name string) (string, error) {
	file := filepath.Join(b.dir, name+"-go.wasm")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", file, "./bench/guests/"+name)
	cmd.Dir, cmd.Env = b.module, append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling the guest %s: %w\n%s", name, err, out)
	}
	return file, nil
}
