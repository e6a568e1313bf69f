// Package wasmbuild compiles guests for tests and benchmarks: programs in C that need no library, and in Go. It is not for what
// users run.
package wasmbuild

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrNoClang is what C answers on a machine without a compiler for WebAssembly.
var ErrNoClang = errors.New("compiling C to WebAssembly needs clang and wasm-ld; install them, for example with: apt-get install clang lld")

// C compiles a free-standing program in C.
func C(source string, flags ...string) ([]byte, error) {
	clang, ld := find("clang", "clang-19"), find("wasm-ld", "wasm-ld-19")
	if clang == "" || ld == "" {
		return nil, ErrNoClang
	}
	return build(func(out string) *exec.Cmd {
		return exec.Command(clang, append([]string{"--target=wasm32", "-O2", "-mbulk-memory", "-nostdlib", "-fuse-ld=" + ld,
			"-Wl,--no-entry", "-Wl,-z,stack-size=16384", "-o", out, source}, flags...)...)
	})
}

// Go compiles a package to a WASI reactor.
func Go(dir string) ([]byte, error) {
	return build(func(out string) *exec.Cmd {
		cmd := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", out, ".")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
		return cmd
	})
}

func build(command func(out string) *exec.Cmd) ([]byte, error) {
	dir, err := os.MkdirTemp("", "wasmbuild-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "guest.wasm")
	cmd := command(out)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, said.Bytes())
	}
	return os.ReadFile(out)
}

// find returns the path of the first of the programs that is there, or nothing.
func find(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}
