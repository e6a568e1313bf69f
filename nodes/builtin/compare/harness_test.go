// Package compare compares the C of the built-in nodes with the Go that it has to agree with:
// regular expressions with package regexp, operators with nodes/sdk/operator. It runs the C as
// WebAssembly, as the nodes do. It has only tests, as a package of Go cannot have C beside it.
package compare

import (
	"context"
	"path/filepath"
	"strings"
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
	tb        testing.TB
	memory    api.Memory
	functions map[string]api.Function
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
	g := &guest{tb, module.Memory(), make(map[string]api.Function)}
	for name := range module.ExportedFunctionDefinitions() {
		g.functions[name] = module.ExportedFunction(name)
	}
	return g
}

// try calls an exported function with texts. The error is a trap.
func (g *guest) try(name string, texts ...string) (uint32, error) {
	all := strings.Join(texts, "")
	at, err := g.run("input", uint64(len(all)))
	if err != nil {
		return 0, err
	}
	if !g.memory.WriteString(at, all) {
		g.tb.Fatalf("there is no memory for %d bytes", len(all))
	}
	params := make([]uint64, 0, 6)
	for _, text := range texts {
		params = append(params, uint64(at), uint64(len(text)))
		at += uint32(len(text))
	}
	return g.run(name, params...)
}

func (g *guest) run(name string, params ...uint64) (uint32, error) {
	stack := append(make([]uint64, 0, 6), params...)
	if len(stack) == 0 {
		stack = stack[:1]
	}
	err := g.functions[name].CallWithStack(context.Background(), stack)
	return uint32(stack[0]), err
}

func (g *guest) call(name string, texts ...string) uint32 {
	g.tb.Helper()
	result, err := g.try(name, texts...)
	if err != nil {
		g.tb.Fatalf("%s(%.200q): %v", name, texts, err)
	}
	return result
}
