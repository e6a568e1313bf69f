package rewrite

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
)

// What compilers make must pass, and mean the same.
func TestBuiltInNodes(t *testing.T) {
	files, err := filepath.Glob("../../../nodes/dist/*.wasm")
	if err != nil || len(files) == 0 {
		t.Fatal("no modules:", err)
	}
	h := newHost(t, wazero.NewRuntimeConfig())
	for _, file := range files {
		wasm, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b := time.Now()
		m, err := Rewrite(wasm)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(file, time.Since(b), len(wasm), len(m.Wasm), m.Obstacles, m.Loops, m.Functions, len(m.Globals), len(m.Data), m.Start)
		in := h.rewritten(m)
		t.Log(in.began, in.memory.yields)
		if in.ExportedFunction("_initialize") != nil {
			t.Log(in.call("_initialize"))
		}
		t.Log(in.node([]byte(`{"input":{"a":1},"operations":[{"op":"set","path":"b","value":2}]}`)), in.used())
	}
}
