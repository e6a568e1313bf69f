// Package wasmbuild builds guests for tests and benchmarks: from C that needs no library, from Go,
// and from single instructions. Users build their nodes without it.
package wasmbuild

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// ErrNoClang is the error of [C] on a machine without a compiler for WebAssembly.
var ErrNoClang = errors.New("there is no clang with lld that can make WebAssembly, of which guests are made; on Debian: apt-get install clang lld")

// clangs are the names of clang, the tested one first.
var clangs = []string{"clang-19", "clang", "clang-20", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14"}

// wasm32 are the flags for a module without a library or a start function.
var wasm32 = []string{"--target=wasm32", "-O2", "-mbulk-memory", "-nostdlib", "-Wl,--no-entry", "-Wl,-z,stack-size=16384"}

// Clang returns the path of a compiler for WebAssembly, or "" if there is none.
func Clang() string { return clang() }

// clang finds a clang that can link WebAssembly: the linker of its version is a package of its own.
var clang = sync.OnceValue(func() string {
	for _, name := range clangs {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if _, err := build(context.Background(), func(out string) *exec.Cmd {
			return exec.Command(path, append(wasm32, "-x", "c", os.DevNull, "-o", out)...)
		}); err == nil {
			return path
		}
	}
	return ""
})

// C compiles a free-standing program in C. flags follow the usual ones.
func C(ctx context.Context, source string, flags ...string) ([]byte, error) {
	if clang() == "" {
		return nil, ErrNoClang
	}
	return build(ctx, func(out string) *exec.Cmd {
		args := append(append([]string(nil), wasm32...), "-o", out, source)
		return exec.CommandContext(ctx, clang(), append(args, flags...)...)
	})
}

// Go compiles the package in dir to a WASI reactor, as users compile their nodes. flags follow the
// usual ones.
func Go(ctx context.Context, dir string, flags ...string) ([]byte, error) {
	return build(ctx, func(out string) *exec.Cmd {
		args := append([]string{"build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", out}, flags...)
		cmd := exec.CommandContext(ctx, "go", append(args, ".")...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
		return cmd
	})
}

// build runs a command and returns the file that it writes. It is a file because clang reads its
// output again.
func build(ctx context.Context, command func(out string) *exec.Cmd) ([]byte, error) {
	dir, err := os.MkdirTemp("", "wasmbuild-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "guest.wasm")
	cmd := command(out)
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.Join(ctx.Err(), fmt.Errorf("%s: %w\n%s", cmd, err, output))
	}
	return os.ReadFile(out)
}
