package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// desk has the node types for working without a server: the built-in ones and those that --node
// names.
type desk struct {
	host  *sandbox.Host
	nodes *engine.Nodes
}

// allGrants lets a node have what it asks for: this is its author's own desk.
var allGrants = hostapi.Grants{HTTP: true, Log: true, Clock: true, Random: true, Globals: true}

func nodeFlag(c *cobra.Command) *cobra.Command {
	c.Flags().StringArray("node", nil, "A node type of your own, as <type>=<file.wasm>; it gets every capability it asks for (repeatable)")
	return c
}

// openDesk knows the node types. A module is loaded when it is wanted; the compiled code is cached
// where a server caches it.
func openDesk(ctx context.Context, cmd *cobra.Command) (*desk, error) {
	configs, err := deskTypes(cmd)
	if err != nil {
		return nil, err
	}
	host, err := sandbox.New(sandbox.Options{CacheDir: filepath.Join(caddy.AppDataDir(), "flowtrux", "wasm")})
	if err != nil {
		return nil, err
	}
	loads := make(map[string]engine.Load, len(configs))
	for _, c := range configs {
		loads[c.Type] = func() (*sandbox.Module, error) { return host.Load(ctx, c) }
	}
	d := &desk{host: host, nodes: engine.NewNodes(loads)}
	// What is named is looked at, whether it is used or not.
	for _, c := range configs[len(nodes.Builtin()):] {
		if err := d.nodes.Load(c.Type); err != nil {
			return nil, errors.Join(err, d.close(ctx))
		}
	}
	return d, nil
}

// deskTypes are the built-in types, and then those that --node names.
func deskTypes(cmd *cobra.Command) ([]sandbox.ModuleConfig, error) {
	var configs []sandbox.ModuleConfig
	builtin, named := map[string]bool{flow.TypeTrigger: true}, make(map[string]bool)
	for _, n := range nodes.Builtin() {
		builtin[n.Type] = true
		configs = append(configs, sandbox.ModuleConfig{
			Type: n.Type, Source: "built in", Wasm: n.Wasm, Grants: hostapi.GrantsOf(n.Capabilities...),
		})
	}
	own, _ := cmd.Flags().GetStringArray("node")
	for _, spec := range own {
		typ, file, ok := strings.Cut(spec, "=")
		switch {
		case !ok || typ == "" || file == "":
			return nil, fmt.Errorf("--node %q is not <type>=<file.wasm>", spec)
		case named[typ]:
			return nil, fmt.Errorf("--node %q is given twice", typ)
		case builtin[typ]:
			return nil, fmt.Errorf("--node %q: this type is built in", typ)
		}
		named[typ] = true
		wasm, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		configs = append(configs, sandbox.ModuleConfig{Type: typ, Source: file, Wasm: wasm, Grants: allGrants})
	}
	return configs, nil
}

func (d *desk) close(ctx context.Context) error {
	d.nodes.Release()
	return d.host.Close(ctx)
}

// compile reads and compiles one document, with all that a server checks of what it has in store,
// or of what is new; the problems are those of a document that does not validate.
func (d *desk) compile(ctx context.Context, f file, isNew bool) (program *engine.Program, problems []problem, err error) {
	doc, err := f.read()
	if err != nil {
		return nil, nil, err
	}
	if id := documentID(f.name, doc); isNew {
		program, err = CompileNew(ctx, id, doc, d.nodes, nil)
	} else {
		program, _, err = catalog.Compile(ctx, id, 0, doc, d.nodes)
	}
	if bad := (*flow.DocumentError)(nil); errors.As(err, &bad) {
		for _, p := range bad.Problems {
			problems = append(problems, problem(p))
		}
		return nil, problems, nil
	}
	return program, nil, err
}
