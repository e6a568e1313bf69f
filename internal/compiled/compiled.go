// Package compiled keeps the machine code of modules for all tests of this repository, in
// .run/compiled: compiling a module in Go takes seconds, and ten times that with -race, and the
// code is the same for all of them. `make clean` removes it.
package compiled

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Dir is the directory for sandbox.Options.CacheDir, which is made if need be. It can be used by
// many processes at the same time.
var Dir = sync.OnceValues(func() (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the repository: %w", err)
	}
	for {
		// Not that of bench, which is a module of its own.
		if mod, err := os.ReadFile(filepath.Join(root, "go.mod")); err == nil && bytes.HasPrefix(mod, []byte("module github.com/flowtrux/edge\n")) {
			break
		}
		parent := filepath.Dir(root)
		if parent == root {
			return "", errors.New("looking for the repository: there is no go.mod above the working directory")
		}
		root = parent
	}
	dir := filepath.Join(root, ".run", "compiled")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the directory for compiled code: %w", err)
	}
	return dir, nil
})

// Link lets a server whose XDG_DATA_HOME is home keep its compiled code there too.
func Link(home string) error {
	dir, err := Dir()
	if err != nil {
		return err
	}
	own := filepath.Join(home, "caddy", "flowtrux")
	if err := os.MkdirAll(own, 0o700); err != nil {
		return fmt.Errorf("making a data directory: %w", err)
	}
	if err := os.Symlink(dir, filepath.Join(own, "wasm")); err != nil {
		return fmt.Errorf("linking the directory for compiled code: %w", err)
	}
	return nil
}
