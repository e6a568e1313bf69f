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

// desk has the node types for working without a server: the built-in ones and those that --node names.
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

// openDesk compiles the node types; the compiled code is cached where a server caches it.
func openDesk(ctx context.Context, cmd *cobra.Command) (*desk, error) {
	host, err := sandbox.New(sandbox.Options{CacheDir: filepath.Join(caddy.AppDataDir(), "flowtrux", "wasm")})
	if err != nil {
		return nil, err
	}
	modules := make(map[string]*sandbox.Module)
	load := func(mc sandbox.ModuleConfig) error {
		m, err := host.Load(ctx, mc)
		if err == nil {
			modules[mc.Type] = m
		}
		return err
	}
	err = loadAll(cmd, load)
	var registry *engine.Nodes
	if err == nil {
		registry, err = engine.NewNodes(modules)
	} else {
		for _, m := range modules {
			err = errors.Join(err, m.Close(ctx))
		}
	}
	if err != nil {
		return nil, errors.Join(err, host.Close(ctx))
	}
	return &desk{host: host, nodes: registry}, nil
}

func loadAll(cmd *cobra.Command, load func(sandbox.ModuleConfig) error) error {
	own, _ := cmd.Flags().GetStringArray("node")
	named := make(map[string]bool)
	for _, spec := range own {
		typ, file, ok := strings.Cut(spec, "=")
		if !ok || typ == "" || file == "" {
			return fmt.Errorf("--node %q is not <type>=<file.wasm>", spec)
		}
		if named[typ] {
			return fmt.Errorf("--node %q is given twice", typ)
		}
		named[typ] = true
		if typ == flow.TypeTrigger {
			return fmt.Errorf("--node %q: this type is built in", typ)
		}
		wasm, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := load(sandbox.ModuleConfig{Type: typ, Source: file, Wasm: wasm, Grants: allGrants}); err != nil {
			return err
		}
	}
	for _, n := range nodes.Builtin() {
		if named[n.Type] {
			return fmt.Errorf("--node %q: this type is built in", n.Type)
		}
		grants := hostapi.GrantsOf(n.Capabilities...)
		if err := load(sandbox.ModuleConfig{Type: n.Type, Source: "built in", Wasm: n.Wasm, Grants: grants}); err != nil {
			return err
		}
	}
	return nil
}

func (d *desk) close(ctx context.Context) error {
	d.nodes.Release()
	return d.host.Close(ctx)
}

// compile reads and compiles one document, with all that a server checks; the problems are those of a document that does
// not validate.
func (d *desk) compile(f file) (program *engine.Program, problems []problem, err error) {
	doc, err := f.read()
	if err != nil {
		return nil, nil, err
	}
	program, _, err = catalog.Compile(documentID(f.name, doc), 0, doc, d.nodes)
	if bad := (*flow.DocumentError)(nil); errors.As(err, &bad) {
		for _, p := range bad.Problems {
			problems = append(problems, problem(p))
		}
		return nil, problems, nil
	}
	return program, nil, err
}
