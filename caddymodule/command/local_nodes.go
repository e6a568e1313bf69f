package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/caddymodule/headercheck"
	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// localNodes has the node types of commands that need no server: the built-in types and those of
// --node and --nodes.
type localNodes struct {
	host  *sandbox.Host
	nodes *engine.Nodes
}

// allGrants grants every capability: the user of the command is the node's author.
var allGrants = hostapi.Grants{HTTP: true, Log: true, Clock: true, Random: true, Globals: true}

// newSandbox returns a sandbox that shares the cache of compiled code with the server.
func newSandbox() (*sandbox.Host, error) {
	return sandbox.New(sandbox.Options{CacheDir: filepath.Join(caddy.AppDataDir(), "flowtrux", "wasm")})
}

// open returns the node types. It loads those of --node and --nodes; the built-in ones are loaded
// when a document needs them.
func (o *nodeTypeOptions) open(ctx context.Context) (_ *localNodes, err error) {
	configs, err := o.configs()
	if err != nil {
		return nil, err
	}
	host, err := newSandbox()
	if err != nil {
		return nil, err
	}
	loads := make(map[string]engine.Load, len(configs))
	for _, c := range configs {
		loads[c.Type] = func() (*sandbox.Module, error) {
			m, err := host.Load(ctx, c)
			if errors.Is(err, sandbox.ErrSeveralTypes) {
				return nil, fmt.Errorf("%w; take all with --nodes %s, or one with --node %s=%[2]s:<its name in the file>", err, c.Source, c.Type)
			}
			return m, err
		}
	}
	families, err := o.loadFamilies(ctx, host, loads)
	if err != nil {
		return nil, errors.Join(err, host.Close(ctx))
	}
	l := &localNodes{host: host, nodes: engine.NewNodes(loads, append(builtinFamilies(ctx, host), families...)...)}
	for _, f := range families { // first, so that the node types have their modules
		err = errors.Join(err, l.nodes.Load(f.Types[0]))
	}
	for _, c := range configs {
		if err == nil {
			if err = l.nodes.Load(c.Type); err != nil {
				err = fmt.Errorf("--node %s: %w", c.Type, err)
			}
		}
	}
	if err != nil {
		return nil, errors.Join(err, l.close(ctx))
	}
	return l, nil
}

// loadFamilies loads the files of --nodes. Their types must not be those of others.
func (o *nodeTypeOptions) loadFamilies(ctx context.Context, host *sandbox.Host, others map[string]engine.Load) (families []engine.Family, err error) {
	var loaded []*sandbox.Module
	defer func() {
		if err != nil {
			for _, m := range loaded {
				err = errors.Join(err, m.Close(ctx))
			}
		}
	}()
	named := make(map[string]string)
	for _, file := range o.families {
		wasm, err := readModule(file)
		if err != nil {
			return nil, err
		}
		modules, err := host.LoadFamily(ctx, sandbox.FamilyConfig{Source: file, Wasm: wasm, Grants: allGrants})
		if errors.Is(err, sandbox.ErrUndescribed) {
			return nil, fmt.Errorf("%w; take it with --node <type>=%s", err, file)
		}
		if err != nil {
			return nil, err
		}
		loaded = append(loaded, modules...)
		family := engine.Family{Load: func() ([]*sandbox.Module, error) { return modules, nil }}
		for _, m := range modules {
			name, reason := m.Type(), ""
			switch {
			case name == flow.TypeTrigger:
				return nil, fmt.Errorf("--nodes %s: a module cannot offer the node type %q; rename it in the module", file, name)
			case isBuiltin(name):
				reason = "is built in"
			case others[name] != nil:
				reason = "is also given with --node"
			case named[name] != "":
				reason = "is also that of " + named[name]
			}
			if reason != "" {
				return nil, fmt.Errorf("--nodes %s: the type %q %s; instead of --nodes, give each type of the file a name: --node <name>=%[1]s:%[2]s", file, name, reason)
			}
			named[name] = file
			family.Types = append(family.Types, name)
		}
		families = append(families, family)
	}
	return families, nil
}

// builtinFamilies returns the built-in node types.
func builtinFamilies(ctx context.Context, host *sandbox.Host) (families []engine.Family) {
	for _, f := range nodes.Builtin() {
		c := sandbox.FamilyConfig{Source: "built in", Wasm: f.Wasm}
		family := engine.Family{}
		for _, t := range f.Types {
			c.Types = append(c.Types, sandbox.TypeConfig{Offered: t.Name, Grants: hostapi.GrantsOf(t.Capabilities...)})
			family.Types = append(family.Types, t.Name)
		}
		family.Load = func() ([]*sandbox.Module, error) { return host.LoadFamily(ctx, c) }
		families = append(families, family)
	}
	return families
}

// configs returns the types of --node.
func (o *nodeTypeOptions) configs() ([]sandbox.ModuleConfig, error) {
	var configs []sandbox.ModuleConfig
	named := make(map[string]bool)
	for _, spec := range o.nodes {
		typ, file, ok := strings.Cut(spec, "=")
		switch {
		case !ok || typ == "" || file == "":
			return nil, fmt.Errorf("--node %q is not <type>=<file.wasm>", spec)
		case named[typ]:
			return nil, fmt.Errorf("--node %q is given twice", typ)
		case isBuiltin(typ):
			return nil, fmt.Errorf("--node %q: this type is built in; choose another name", typ)
		case !abi.ValidTypeName(typ):
			return nil, fmt.Errorf("--node %q: this cannot be the name of a node type: it takes 1 to %d lower-case letters, digits and hyphens, a letter first", typ, abi.MaxTypeName)
		}
		named[typ] = true
		offered := ""
		if i := strings.LastIndex(file, ".wasm:"); i >= 0 {
			file, offered = file[:i+len(".wasm")], file[i+len(".wasm:"):]
		}
		wasm, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		configs = append(configs, sandbox.ModuleConfig{Type: typ, Source: file, Wasm: wasm, Grants: allGrants, Offered: offered})
	}
	return configs, nil
}

// isBuiltin reports whether a --node cannot have this type.
func isBuiltin(typ string) bool {
	_, _, ok := nodes.Find(typ)
	return ok || typ == flow.TypeTrigger
}

func (l *localNodes) close(ctx context.Context) error {
	l.nodes.Release()
	return l.host.Close(ctx)
}

// compile reads and compiles a document, with all checks that a server makes of a stored document,
// or of a new one. It returns the problems of an invalid document apart from other errors.
func (l *localNodes) compile(ctx context.Context, f file, isNew bool) (program *engine.Program, problems []adminapi.Problem, err error) {
	doc, err := f.read()
	if err != nil {
		return nil, nil, err
	}
	if id := documentID(f.name, doc); isNew {
		program, err = headercheck.CompileNew(ctx, id, doc, l.nodes, nil)
	} else {
		program, _, err = catalog.Compile(ctx, id, 0, doc, l.nodes)
	}
	if invalid := (*flow.DocumentError)(nil); errors.As(err, &invalid) {
		for _, p := range invalid.Problems {
			problems = append(problems, adminapi.Problem(p))
		}
		return nil, problems, nil
	}
	return program, nil, err
}
