package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/modulefetch"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// Family declares the node types of a WebAssembly module that offers several. Workflows can use all
// of them, by the names that the module gives them or by those that Types gives them.
type Family struct {
	// The module: a file, or an address as for a node. Required.
	File string `json:"file,omitempty"`

	// SHA-256 of the module in hex. With another module the config is not loaded. Required for
	// remote modules. Default: any file is accepted.
	SHA256 string `json:"sha256,omitempty"`

	// Maximum linear memory of a call of any of the types, in bytes. Default: `limits.node_memory`.
	Memory int64 `json:"memory,omitempty"`

	// Timeout of a call of each type that has none of its own. `limits.node_timeout` and the
	// workflow can shorten it. Default: `limits.node_timeout`.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// Fuel budget of a call of each type that has none of its own, about one unit per WebAssembly
	// instruction. Default: no budget.
	Fuel int64 `json:"fuel,omitempty"`

	// How each call gets a clean instance, as for a node: `off`, or by default a snapshot.
	Snapshot string `json:"snapshot,omitempty"`

	// Settings of the module's types, by the names that the module gives them. Types that are not
	// listed have no capabilities.
	Types map[string]*FamilyType `json:"types,omitempty"`

	source modulefetch.Source // what File says; set by check
}

// FamilyType has the settings of one node type of a family.
type FamilyType struct {
	// The name that workflows use. Default: the name that the module gives it.
	As string `json:"as,omitempty"`

	// Capabilities that the type gets if its manifest requests them. The module's other types do
	// not get them. Default: none.
	Allow *Allow `json:"allow,omitempty"`

	// Maximum linear memory of a call, in bytes, at most that of the family. Default: that of the
	// family.
	Memory int64 `json:"memory,omitempty"`

	// Timeout of a call, which `limits.node_timeout` and the workflow can shorten. Default: that of
	// the family.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// Fuel budget of a call. Default: that of the family.
	Fuel int64 `json:"fuel,omitempty"`
}

// node returns the settings that a family has in common with a node.
func (f *Family) node() *Node {
	return &Node{File: f.File, SHA256: f.SHA256, Memory: f.Memory, Timeout: f.Timeout, Fuel: f.Fuel, Snapshot: f.Snapshot}
}

// node returns the settings that a type of a family has in common with a node.
func (t *FamilyType) node() *Node {
	return &Node{Allow: t.Allow, Memory: t.Memory, Timeout: t.Timeout, Fuel: t.Fuel}
}

// checkSource rejects modules that cannot be a family's.
func (f *Family) checkSource() error {
	if strings.HasPrefix(f.File, builtinFile) {
		return fmt.Errorf("'%s' is a built-in node type: declare it with node", f.File)
	}
	n := f.node()
	err := n.checkSource()
	f.source = n.source
	return err
}

// check resolves placeholders and rejects what cannot work.
func (f *Family) check(l *Limits, repl *caddy.Replacer) error {
	if f == nil || f.File == "" {
		return errors.New("file is missing")
	}
	n := f.node()
	if err := n.checkModule(repl); err != nil {
		return err
	}
	f.File, f.SHA256 = n.File, n.SHA256
	if err := f.checkSource(); err != nil {
		return err
	}
	if err := n.checkSettings(repl); err != nil {
		return err
	}
	memory := int64(n.limits(l).Memory)
	names := make(map[string]string)
	for _, offered := range slices.Sorted(maps.Keys(f.Types)) {
		t := f.Types[offered]
		if err := t.check(offered, memory, repl); err != nil {
			return fmt.Errorf("type %s: %w", offered, err)
		}
		if other := names[t.name(offered)]; other != "" {
			return fmt.Errorf("type %s: the type %s has the name '%s' as well", offered, other, t.name(offered))
		}
		names[t.name(offered)] = offered
	}
	return nil
}

// offered returns the name that the module gives the type that workflows use by this name. A type
// that the config has renamed comes first: it may have taken the name of another.
func (f *Family) offered(name string) string {
	for offered, t := range f.Types {
		if t.As == name {
			return offered
		}
	}
	return name
}

// name returns the name that workflows use for the type.
func (t *FamilyType) name(offered string) string {
	if t.As != "" {
		return t.As
	}
	return offered
}

func (t *FamilyType) check(offered string, memory int64, repl *caddy.Replacer) error {
	if err := checkOffered(offered); err != nil {
		return err
	}
	if t == nil {
		return errors.New("it has no settings")
	}
	if err := checkTypeName(t.name(offered)); err != nil && t.As == "" {
		return fmt.Errorf("the name is that of a built-in node type; %s", renaming(offered))
	} else if err != nil {
		return err
	}
	if err := t.node().checkSettings(repl); err != nil {
		return err
	}
	return t.checkMemory(memory)
}

// checkOffered rejects names that no module can give a type.
func checkOffered(name string) error {
	switch {
	case !abi.ValidTypeName(name):
		return badTypeName(name)
	case name == flow.TypeTrigger:
		return fmt.Errorf("a module cannot offer the node type '%s'; rename it in the module", name)
	}
	return nil
}

// renaming says how a type of a module gets a name that is free.
func renaming(offered string) string {
	return fmt.Sprintf("give it another name: type %s { as <name> }", offered)
}

// checkMemory rejects more memory than the family has.
func (t *FamilyType) checkMemory(most int64) error {
	if t.Memory > most {
		return fmt.Errorf("memory is %d bytes; a call of the module has at most %d", t.Memory, most)
	}
	return nil
}

// parseNodes reads a module with several node types. Syntax:
//
//	nodes <file|https://...|oci://...> {
//		sha256 <hex>
//		memory <size>
//		timeout <duration>
//		fuel <units>
//		snapshot off
//		type <type> {
//			as <name>
//			allow http [<host>...]
//			allow log|clock|random|globals
//			memory <size>
//			timeout <duration>
//			fuel <units>
//		}
//	}
func (a *App) parseNodes(d *caddyfile.Dispenser) error {
	n, f := new(Node), new(Family)
	if !d.Args(&n.File) {
		return d.Err("wrong argument count: nodes takes a module: nodes <file|https://...|oci://...>")
	}
	known := n.options(d)
	delete(known, "allow") // types have capabilities
	known["type"] = option{parse: func() error { return f.parseType(d) }, repeats: true}
	line := *d // errors about the family as a whole name its first line
	if err := parseBlock(d, known); err != nil {
		return err
	}
	f.File, f.SHA256, f.Memory, f.Timeout, f.Fuel, f.Snapshot = n.File, n.SHA256, n.Memory, n.Timeout, n.Fuel, n.Snapshot
	a.Families = append(a.Families, f)
	if placeholder(f.File) {
		return nil
	}
	if err := f.checkSource(); err != nil {
		return line.WrapErr(err)
	}
	return nil
}

// parseType reads the settings of one type of a family; see parseNodes for the syntax.
func (f *Family) parseType(d *caddyfile.Dispenser) error {
	var offered string
	n, t := new(Node), new(FamilyType)
	if !d.Args(&offered) {
		return d.Err("wrong argument count: type takes the name of a node type of the module")
	}
	if err := checkOffered(offered); err != nil {
		return d.WrapErr(err)
	}
	if f.Types[offered] != nil {
		return d.Errf("type '%s' is given twice", offered)
	}
	known := n.options(d)
	for _, option := range []string{"sha256", "snapshot"} { // of the module
		delete(known, option)
	}
	known["as"] = option{parse: func() error { return parseChecked(d, &t.As, checkTypeName) }}
	if err := parseBlock(d, known); err != nil {
		return err
	}
	t.Allow, t.Memory, t.Timeout, t.Fuel = n.Allow, n.Memory, n.Timeout, n.Fuel
	if f.Types == nil {
		f.Types = make(map[string]*FamilyType)
	}
	f.Types[offered] = t
	return nil
}

// loadedFamily is a custom family with the modules of its types.
type loadedFamily struct {
	config  *Family
	modules []*sandbox.Module
}

// loadFamilies loads the custom families in parallel: only their modules tell the names of their
// types. If one does not load, none is.
func (a *App) loadFamilies(host *sandbox.Host, fetched *modulefetch.Store) ([]engine.Family, error) {
	loaded := make([]loadedFamily, len(a.Families))
	errs := make([]error, len(a.Families))
	var all sync.WaitGroup
	for i, f := range a.Families {
		all.Go(func() {
			modules, err := untilExit(a, func(ctx context.Context) ([]*sandbox.Module, error) {
				return a.loadCustomFamily(ctx, host, fetched, f)
			})
			if loaded[i] = (loadedFamily{f, modules}); err != nil {
				errs[i] = fmt.Errorf("nodes %s: %w", f.File, err)
			}
		})
	}
	all.Wait()
	err := errors.Join(errs...)
	if err == nil {
		err = a.checkFamilyNames(loaded)
	}
	var families []engine.Family
	for _, f := range loaded {
		family := engine.Family{Load: func() ([]*sandbox.Module, error) { return f.modules, nil }}
		for _, m := range f.modules {
			family.Types = append(family.Types, m.Type())
			if err != nil {
				err = errors.Join(err, m.Close(a.ctx))
			}
		}
		families = append(families, family)
	}
	if err != nil {
		return nil, err
	}
	return families, nil
}

// checkFamilyNames rejects names of types that workflows could not use, or not tell apart.
func (a *App) checkFamilyNames(loaded []loadedFamily) error {
	taken := make(map[string]*Family)
	for _, f := range loaded {
		for _, m := range f.modules {
			name := m.Type()
			if err := checkOffered(name); err != nil {
				return fmt.Errorf("nodes %s: %w", f.config.File, err)
			}
			offered, reason := f.config.offered(name), ""
			switch other := taken[name]; {
			case isBuiltin(name):
				reason = "is built in"
			case a.Nodes[name] != nil:
				reason = "is declared with node"
			case other == f.config:
				reason = "is also that of another type of the module"
			case other != nil:
				reason = "is also that of " + other.File
			}
			if reason != "" {
				return fmt.Errorf("nodes %s: the node type '%s' %s; %s", f.config.File, name, reason, renaming(offered))
			}
			taken[name] = f.config
		}
	}
	return nil
}

func (a *App) loadCustomFamily(
	ctx context.Context, host *sandbox.Host, fetched *modulefetch.Store, f *Family,
) ([]*sandbox.Module, error) {
	n := f.node()
	n.source = f.source
	wasm, err := a.readNode(ctx, fetched, n)
	if err != nil {
		return nil, err
	}
	c := sandbox.FamilyConfig{Source: f.source.String(), Wasm: wasm, Limits: n.limits(a.Limits)}
	for offered, t := range f.Types {
		c.Types = append(c.Types, t.config(offered, time.Duration(a.Limits.NodeTimeout)))
	}
	return a.loadFamily(ctx, host, c)
}

// config converts t for the sandbox. Without settings, the limits are those of the family.
func (t *FamilyType) config(offered string, timeout time.Duration) sandbox.TypeConfig {
	c := sandbox.TypeConfig{Offered: offered, Type: t.name(offered), Grants: t.Allow.grants()}
	c.Limits = sandbox.Limits{Memory: uint64(t.Memory), Fuel: uint64(t.Fuel)}
	if t.Timeout > 0 {
		c.Limits.Timeout = min(timeout, time.Duration(t.Timeout))
	}
	return c
}

// loadBuiltin loads the node types of a built-in file.
func (a *App) loadBuiltin(ctx context.Context, host *sandbox.Host, f nodes.File) ([]*sandbox.Module, error) {
	c := sandbox.FamilyConfig{Source: "built-in nodes " + f.Name, Wasm: f.Wasm, Limits: (&Node{}).limits(a.Limits)}
	for _, t := range f.Types {
		c.Types = append(c.Types, sandbox.TypeConfig{Offered: t.Name, Grants: hostapi.GrantsOf(t.Capabilities...)})
	}
	return a.loadFamily(ctx, host, c)
}

// loadFamily loads the node types of a file.
func (a *App) loadFamily(ctx context.Context, host *sandbox.Host, c sandbox.FamilyConfig) ([]*sandbox.Module, error) {
	began := time.Now()
	modules, err := host.LoadFamily(ctx, c)
	if errors.Is(err, sandbox.ErrUndescribed) {
		return nil, fmt.Errorf("%w; declare it with `node`", err)
	}
	if err != nil {
		return nil, err
	}
	a.logLoaded(began, modules...)
	return modules, nil
}
