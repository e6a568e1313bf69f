// Package compiled stores the machine code of modules for all tests of this repository, in
// .run/compiled. Compiling a module in Go takes seconds, ten times as long with -race, and the
// result is the same for all tests. `make clean` removes it.
package compiled

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Dir returns the directory for sandbox.Options.CacheDir and creates it if necessary. Several
// processes can use it at the same time.
var Dir = sync.OnceValues(func() (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the repository: %w", err)
	}
	for {
		// Skip the go.mod of bench, which is a separate module.
		if mod, err := os.ReadFile(filepath.Join(root, "go.mod")); err == nil && bytes.HasPrefix(mod, []byte("module github.com/flowtrux/edge\n")) {
			break
		}
		parent := filepath.Dir(root)
		if parent == root {
			return "", errors.New("looking for the repository: no go.mod above the working directory")
		}
		root = parent
	}
	dir := filepath.Join(root, ".run", "compiled")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("creating the directory for compiled code: %w", err)
	}
	return dir, nil
})

// Link makes a server whose XDG_DATA_HOME is home store its compiled code in Dir too.
func Link(home string) error {
	dir, err := Dir()
	if err != nil {
		return err
	}
	own := filepath.Join(home, "caddy", "flowtrux")
	if err := os.MkdirAll(own, 0o700); err != nil {
		return fmt.Errorf("creating a data directory: %w", err)
	}
	if err := os.Symlink(dir, filepath.Join(own, "wasm")); err != nil {
		return fmt.Errorf("linking the directory for compiled code: %w", err)
	}
	return nil
}
