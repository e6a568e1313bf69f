// Package builtin compiles the built-in nodes before tests start servers. If nothing is compiled
// yet, a server with -race would otherwise need about a minute before its first workflow serves.
package builtin

import (
	"context"
	"errors"
	"fmt"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// Compile stores the machine code of all built-in nodes in compiled.Dir, unless it is there
// already.
func Compile(ctx context.Context) (err error) {
	dir, err := compiled.Dir()
	if err != nil {
		return err
	}
	host, err := sandbox.New(sandbox.Options{CacheDir: dir})
	if err != nil {
		return fmt.Errorf("creating the sandbox: %w", err)
	}
	defer func() { err = errors.Join(err, host.Close(ctx)) }()
	for _, f := range nodes.Builtin() {
		n := f.Types[0] // the code is that of the file
		m, err := host.Load(ctx, sandbox.ModuleConfig{
			Type: n.Name, Source: "built-in node " + n.Name, Wasm: f.Wasm, Grants: hostapi.GrantsOf(n.Capabilities...), Offered: n.Name,
		})
		if err != nil {
			return err
		}
		if err := m.Close(ctx); err != nil {
			return fmt.Errorf("closing %s: %w", f.Name, err)
		}
	}
	return nil
}
