package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/flowtrux/edge/internal/wasmbuild"
)

// buildC compiles bench/guests/<name>.c, which uses no library.
func (b *bench) buildC(ctx context.Context, name string) ([]byte, error) {
	wasm, err := wasmbuild.C(ctx, filepath.Join(b.module, "bench", "guests", name+".c"))
	if err != nil {
		return nil, fmt.Errorf("compiling the guest %s.c: %w", name, err)
	}
	return wasm, nil
}

// buildGo compiles bench/guests/<name> the way users compile their nodes.
func (b *bench) buildGo(ctx context.Context, name string) ([]byte, error) {
	wasm, err := wasmbuild.Go(ctx, filepath.Join(b.module, "bench", "guests", name))
	if err != nil {
		return nil, fmt.Errorf("compiling the guest %s: %w", name, err)
	}
	return wasm, nil
}

// file writes a module to a file that servers can load.
func (b *bench) file(name string, wasm []byte) (string, error) {
	file := filepath.Join(b.dir, name+".wasm")
	return file, os.WriteFile(file, wasm, 0o600)
}
