// Package builtin compiles the built-in nodes before tests begin that start servers: where nothing
// is compiled yet, and with -race, a server that compiles them itself has its first workflow after
// a minute.
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

// Compile puts the machine code of all built-in nodes into compiled.Dir, unless it is there.
func Compile(ctx context.Context) (err error) {
	dir, err := compiled.Dir()
	if err != nil {
		return err
	}
	host, err := sandbox.New(sandbox.Options{CacheDir: dir})
	if err != nil {
		return fmt.Errorf("making the sandbox: %w", err)
	}
	defer func() { err = errors.Join(err, host.Close(ctx)) }()
	for _, n := range nodes.Builtin() {
		m, err := host.Load(ctx, sandbox.ModuleConfig{
			Type: n.Type, Source: "built-in node " + n.Type, Wasm: n.Wasm, Grants: hostapi.GrantsOf(n.Capabilities...),
		})
		if err != nil {
			return err
		}
		if err := m.Close(ctx); err != nil {
			return fmt.Errorf("closing %s: %w", n.Type, err)
		}
	}
	return nil
}
