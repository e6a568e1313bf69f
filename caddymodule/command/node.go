package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

func nodeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "node", Short: "Creates, inspects and tests node modules"}
	addSubcommands(cmd, []*cobra.Command{nodeNewCommand(), nodeInspectCommand(), nodeTestCommand()})
	return cmd
}

const (
	maxModule   = 128 << 20        // size of a module's file, in bytes
	nodeTimeout = 10 * time.Second // of a call: the default of a server
)

// readModule reads a module's file, up to the size that a server accepts.
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

// moduleConfig returns the config to load a module's node types with: all capabilities, and the
// default limits of a server.
func moduleConfig(file string, wasm []byte) sandbox.FamilyConfig {
	return sandbox.FamilyConfig{
		Undescribed: typeOfFile(file), Source: file, Wasm: wasm, Grants: allGrants, Limits: sandbox.Limits{Timeout: nodeTimeout},
	}
}

// closeAll closes a module's node types.
func closeAll(ctx context.Context, modules []*sandbox.Module) (err error) {
	for _, m := range modules {
		err = errors.Join(err, m.Close(ctx))
	}
	return err
}

// typeOfFile returns the type of a module that has no manifest: its file's name, with characters
// replaced that a type cannot have.
func typeOfFile(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), ".wasm")
	name = strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r - 'A' + 'a'
		}
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, name)
	if name = strings.TrimLeft(name, "-0123456789"); name == "" {
		return "node"
	}
	return name[:min(len(name), abi.MaxTypeName)]
}

// joinError adds the error of a deferred close to err.
func joinError(err *error, closeErr error) { *err = errors.Join(*err, closeErr) }
