package sandbox

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox/instrument"
)

// Facts are properties of a module that are known without running it.
type Facts struct {
	Exports []Export `json:"exports"` // functions, by name
	Imports []Import `json:"imports"`

	// the module is a WASI command: standard input to standard output
	Command bool `json:"command,omitempty"`

	MemoryMin uint64 `json:"memoryMin"` // initial size of the memory, in bytes
	// maximum size of the memory that the module declares, in bytes; 0 = none
	MemoryMax uint64 `json:"memoryMax,omitempty"`
	Functions int    `json:"functions"` // without imports
	Loops     int    `json:"loops"`
	Globals   int    `json:"globals"` // mutable ones

	// SnapshotObstacles are the reasons why each call gets a new instance; empty = calls use a
	// snapshot.
	SnapshotObstacles []string `json:"slow,omitempty"`
}

// Export is a function that a module exports.
type Export struct {
	Name      string `json:"name"`
	Signature string `json:"signature"` // (i32, i32) -> i64
}

// Import is a function that a module imports.
type Import struct {
	Module    string             `json:"module"`
	Name      string             `json:"name"`
	Signature string             `json:"signature"`
	Needs     hostapi.Capability `json:"needs,omitempty"`
	Offered   bool               `json:"offered"` // the host offers it with this signature
}

// Inspect returns facts about a module. It accepts modules that Load rejects, as long as they
// compile. The error is a *LoadError or an error of the host.
func (h *Host) Inspect(ctx context.Context, source string, wasm []byte) (*Facts, error) {
	code, release, err := h.loadCode(ctx, source, wasm, instrument.Granule(DefaultMemory))
	if err != nil {
		return nil, err
	}
	compiled, parts := code.code, code.module
	f := &Facts{
		Command:   isCommand(compiled),
		MemoryMin: uint64(parts.MemoryMin) * wasmPage,
		Functions: parts.Functions, Loops: parts.Loops, Globals: len(parts.Globals), SnapshotObstacles: parts.Obstacles,
	}
	if parts.HasMax {
		f.MemoryMax = uint64(parts.MemoryMax) * wasmPage
	}
	functions := compiled.ExportedFunctions()
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		if !strings.HasPrefix(name, instrument.Reserved) {
			e := functions[name]
			f.Exports = append(f.Exports, Export{name, signature(e.ParamTypes(), e.ResultTypes())})
		}
	}
	offered := offeredFunctions()
	for _, i := range compiled.ImportedFunctions() {
		module, name, _ := i.Import()
		o := offered[[2]string{module, name}]
		f.Imports = append(f.Imports, Import{
			Module: module, Name: name, Signature: signature(i.ParamTypes(), i.ResultTypes()), Needs: o.Needs,
			Offered: o.Name != "" && slices.Equal(i.ParamTypes(), o.Params) && slices.Equal(i.ResultTypes(), o.Results),
		})
	}
	return f, release(ctx)
}
