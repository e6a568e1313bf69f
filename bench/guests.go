package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// findClang finds a clang; that it can make WebAssembly shows when it is used.
func findClang() (string, error) {
	for _, name := range []string{"clang-19", "clang", "clang-20", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("clang is not installed, which compiles the guests in C; on Debian: apt-get install clang lld")
}

// buildC compiles bench/guests/<name>.c, which has no library under it, and returns the module's file.
func (b *bench) buildC(ctx context.Context, name string) (string, error) {
	file := filepath.Join(b.dir, name+"-c.wasm")
	cmd := exec.CommandContext(ctx, b.clang, "--target=wasm32", "-O2", "-nostdlib", "-Wl,--no-entry", "-Wl,-z,stack-size=8192",
		"-o", file, filepath.Join(b.module, "bench", "guests", name+".c"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling %s.c with %s (it needs lld of the same version; on Debian: apt-get install clang lld): %w\n%s",
			name, b.clang, err, out)
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
