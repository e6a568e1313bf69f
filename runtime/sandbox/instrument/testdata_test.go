package instrument

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/flowtrux/edge/internal/wasmbuild"
)

// compileC compiles a C program from testdata that needs no library.
func compileC(t testing.TB, name string, flags ...string) []byte {
	t.Helper()
	wasm, err := wasmbuild.C(t.Context(), filepath.Join("testdata", name+".c"), flags...)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// compileGo compiles a Go program from testdata.
func compileGo(t testing.TB, name string) []byte {
	t.Helper()
	wasm, err := wasmbuild.Go(t.Context(), filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
