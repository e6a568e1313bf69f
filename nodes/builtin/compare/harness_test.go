// Package compare compares the C of the built-in nodes with the Go that it has to agree with:
// regular expressions with package regexp, operators with nodes/sdk/operator. It runs the C as
// WebAssembly, as the nodes do. It has only tests, as a package of Go cannot have C beside it.
package compare

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/flowtrux/edge/internal/wasmbuild"
)

// pages is the most memory that a module may take, 128 MiB.
const pages = 2048

// compiled has the module, compiled once.
var compiled = sync.OnceValues(func() (func() (api.Module, error), error) {
	ctx := context.Background()
	regex, err := filepath.Glob("../regex/*.c")
	if err != nil {
		return nil, err
	}
	flags := []string{"-std=c23", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-flto", "-Wl,--stack-first"}
	sources := append(regex, "../operator.c", "../equal.c", "../number.c", "../json.c")
	wasm, err := wasmbuild.C(ctx, "testdata/module.c", append(flags, sources...)...)
	if err != nil {
		return nil, err
	}
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(pages))
	module, err := runtime.CompileModule(ctx, wasm)
	if err != nil {
		return nil, err
	}
	return func() (api.Module, error) {
		return runtime.InstantiateModule(ctx, module, wazero.NewModuleConfig().WithName(""))
	}, nil
})

// guest is one instance of the module.
type guest struct {
	tb     testing.TB
	module api.Module
}

func newGuest(tb testing.TB) *guest {
	tb.Helper()
	instantiate, err := compiled()
	if err != nil {
		tb.Fatal(err)
	}
	module, err := instantiate()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = module.Close(context.Background()) })
	return &guest{tb, module}
}

// try calls an exported function with texts. The error is a trap.
func (g *guest) try(name string, texts ...string) (uint32, error) {
	ctx := context.Background()
	if _, err := g.module.ExportedFunction("reset").Call(ctx); err != nil {
		return 0, err
	}
	var params []uint64
	for _, text := range texts {
		at, err := g.module.ExportedFunction("alloc").Call(ctx, uint64(len(text)))
		if err != nil {
			return 0, err
		}
		if !g.module.Memory().WriteString(uint32(at[0]), text) {
			g.tb.Fatalf("there is no memory for %d bytes", len(text))
		}
		params = append(params, at[0], uint64(len(text)))
	}
	results, err := g.module.ExportedFunction(name).Call(ctx, params...)
	if err != nil {
		return 0, err
	}
	return uint32(results[0]), nil
}

func (g *guest) call(name string, texts ...string) uint32 {
	g.tb.Helper()
	result, err := g.try(name, texts...)
	if err != nil {
		g.tb.Fatalf("%s(%.200q): %v", name, texts, err)
	}
	return result
}
