package rewrite

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// compileC compiles a program in C from testdata that needs no library.
func compileC(t testing.TB, name string, flags ...string) []byte {
	t.Helper()
	cc, ld := tool("clang", "clang-19"), tool("wasm-ld", "wasm-ld-19")
	if cc == "" || ld == "" {
		t.Fatal("this test compiles C to WebAssembly: install clang and wasm-ld, for example with: apt-get install clang lld")
	}
	out := filepath.Join(t.TempDir(), name+".wasm")
	args := append([]string{"--target=wasm32", "-O2", "-mbulk-memory", "-nostdlib", "-Wl,--no-entry", "-Wl,-z,stack-size=16384",
		"-fuse-ld=" + ld, "-o", out, filepath.Join("testdata", name+".c")}, flags...)
	cmd := exec.Command(cc, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, said.String())
	}
	return readFile(t, out)
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tool returns the path of the first of the programs that is there, or nothing.
func tool(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}
