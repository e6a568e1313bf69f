package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/sandbox"
)

func nodeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "node", Short: "Begins, inspects and tests node modules, without a server"}
	return group(cmd, nodeNewCommand(), nodeInspectCommand(), nodeTestCommand())
}

const (
	maxModule   = 128 << 20        // bytes of a module's file
	nodeTimeout = 10 * time.Second // of one call, as on a server that says nothing else
)

// readModule reads a module's file, which cannot be larger than a server takes.
func readModule(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	wasm, err := io.ReadAll(io.LimitReader(f, maxModule+1))
	if err == nil && len(wasm) > maxModule {
		err = fmt.Errorf("%s is over %d bytes", name, maxModule)
	}
	return wasm, err
}

// newSandbox makes a sandbox that keeps compiled code where a server keeps it.
func newSandbox() (*sandbox.Host, error) {
	return sandbox.New(sandbox.Options{CacheDir: filepath.Join(caddy.AppDataDir(), "flowtrux", "wasm")})
}

// moduleConfig is how a module that is looked at is loaded: with all that it asks for, and the
// limits of a server that says nothing else.
func moduleConfig(file string, wasm []byte) sandbox.ModuleConfig {
	return sandbox.ModuleConfig{
		Type: typeOfFile(file), Source: file, Wasm: wasm, Grants: allGrants, Limits: sandbox.Limits{Timeout: nodeTimeout},
	}
}

// typeOfFile is the type of a module that does not describe itself: its file's name, as far as a
// type can have it.
func typeOfFile(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), ".wasm")
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
	if name = strings.TrimLeft(name, "-_"); name == "" {
		return "node"
	}
	return name[:min(len(name), 64)]
}

// closing adds the error of closing something to err.
func closing(err *error, c func() error) { *err = errors.Join(*err, c()) }
