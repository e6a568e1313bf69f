package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/modulefetch"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// maxModule is the maximum size of a node module, in bytes.
const maxModule = 128 * mib

// loadNodes loads the custom node types: if one does not load, the config is not loaded. Built-in
// node types are loaded when the first workflow needs them, so unused ones cost neither memory nor
// time at the start. A module that was compiled before comes from the sandbox, or from its cache on
// disk.
func (a *App) loadNodes() (err error) {
	budget, release, err := acquireBudget(a.Limits.SandboxMemory)
	if err != nil {
		return err
	}
	a.life.onEnd(release)
	a.budget = budget.Budget
	host, release, err := acquireHost(wasmDir(), a.installation.seed, a.budget)
	if err != nil {
		return err
	}
	a.life.onEnd(release)
	if err := host.Open(a.ctx); err != nil {
		return err
	}
	fetched := a.newFetcher()
	loads := make(map[string]engine.Load)
	for name, n := range a.Nodes {
		loads[name] = func() (*sandbox.Module, error) {
			return untilExit(a, func(ctx context.Context) (*sandbox.Module, error) {
				return a.loadNode(ctx, host.Host, fetched, name, n)
			})
		}
	}
	families, err := a.loadFamilies(host.Host, fetched)
	if err != nil {
		return err
	}
	own := make(map[string]string)
	for name := range a.Nodes {
		own[name] = "node " + name
	}
	for i, f := range families {
		own[f.Types[0]] = "nodes " + a.Families[i].File
	}
	for _, f := range nodes.Builtin() {
		family := engine.Family{Load: func() ([]*sandbox.Module, error) {
			return untilExit(a, func(ctx context.Context) ([]*sandbox.Module, error) { return a.loadBuiltin(ctx, host.Host, f) })
		}}
		for _, t := range f.Types {
			family.Types = append(family.Types, t.Name)
		}
		families = append(families, family)
	}
	a.types = engine.NewNodes(loads, families...)
	a.life.onEnd(releasing(a.types.Release))
	return a.loadOwn(own)
}

// newFetcher returns the store of fetched modules.
func (a *App) newFetcher() *modulefetch.Store {
	return modulefetch.NewStore(modulefetch.Options{Dir: filepath.Join(dataDir(), "modules"), Logger: a.logger})
}

// wasmDir is the cache of compiled code.
func wasmDir() string { return filepath.Join(dataDir(), "wasm") }

// loadOwn loads custom node types in parallel: one of each module, with what its errors begin with.
func (a *App) loadOwn(own map[string]string) error {
	errs := make([]error, len(own))
	var all sync.WaitGroup
	for i, name := range slices.Sorted(maps.Keys(own)) {
		all.Go(func() {
			if err := a.types.Load(name); err != nil {
				errs[i] = fmt.Errorf("%s: %w", own[name], err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// exitCheck is how often a load checks whether the process is exiting.
const exitCheck = 50 * time.Millisecond

// untilExit runs a load and cancels it when the process is exiting. Caddy emits no event then while
// it loads a config: it waits for the config first.
func untilExit[M any](a *App, load func(context.Context) (M, error)) (M, error) {
	ctx, cancel := context.WithCancelCause(a.ctx)
	defer cancel(nil)
	go func() {
		tick := time.NewTicker(exitCheck)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if caddy.Exiting() {
					cancel(errStopping)
				}
			}
		}
	}()
	return load(ctx)
}

// loadNode loads a custom node type.
func (a *App) loadNode(
	ctx context.Context, host *sandbox.Host, fetched *modulefetch.Store, name string, n *Node,
) (*sandbox.Module, error) {
	wasm, err := a.readNode(ctx, fetched, n)
	if err != nil {
		return nil, err
	}
	c := sandbox.ModuleConfig{
		Type: name, Source: n.source.String(), Wasm: wasm, Grants: n.Allow.grants(), Limits: n.limits(a.Limits),
	}
	if typ, ok := strings.CutPrefix(n.File, builtinFile); ok {
		c.Offered = typ
	}
	began := time.Now()
	m, err := host.Load(ctx, c)
	if errors.Is(err, sandbox.ErrSeveralTypes) {
		return nil, fmt.Errorf("%w; declare them with `nodes`", err)
	}
	if err != nil {
		return nil, err
	}
	a.logLoaded(began, m)
	return m, nil
}

// logLoaded logs the node types of a file. The time tells a file that was compiled, once for each
// file and version, from one that came from a cache.
func (a *App) logLoaded(began time.Time, modules ...*sandbox.Module) {
	took := time.Since(began)
	for _, m := range modules {
		a.logger.Info("node type loaded", zap.String("type", m.Type()), zap.String("source", m.Source()), zap.Duration("took", took))
	}
}

// readNode reads or fetches the module of a node's config.
func (a *App) readNode(ctx context.Context, fetched *modulefetch.Store, n *Node) ([]byte, error) {
	var want modulefetch.Digest
	if _, err := hex.Decode(want[:], []byte(n.SHA256)); err != nil {
		return nil, fmt.Errorf("reading sha256: %w", err)
	}
	if n.source.Remote() {
		return fetched.Load(ctx, n.source, want)
	}
	wasm, err := readModule(n.File)
	if err != nil {
		return nil, err
	}
	if got := modulefetch.Digest(sha256.Sum256(wasm)); n.SHA256 != "" && got != want {
		return nil, fmt.Errorf("%s is another file than the configured one: its sha256 is %s", n.File, got)
	}
	return wasm, nil
}

// builtinFile is the prefix of files that name a built-in node's module: a custom node type can run
// it with other limits or fewer capabilities.
const builtinFile = "builtin:"

func readModule(file string) ([]byte, error) {
	if typ, ok := strings.CutPrefix(file, builtinFile); ok {
		f, _, ok := nodes.Find(typ)
		if !ok {
			return nil, fmt.Errorf("there is no built-in node %s; there are %s", typ, strings.Join(nodes.Names(), ", "))
		}
		return f.Wasm, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("opening the module: %w", err)
	}
	defer f.Close()
	wasm, err := io.ReadAll(io.LimitReader(f, maxModule+1))
	if err != nil {
		return nil, fmt.Errorf("reading the module: %w", err)
	}
	if len(wasm) > maxModule {
		return nil, fmt.Errorf("reading the module: %s is over %d bytes", file, maxModule)
	}
	return wasm, nil
}

// resolve returns the program of a journaled execution: the workflow's current one if it has the
// same revision, otherwise the entry's document is compiled. The executor releases the program's
// nodes.
func (a *App) resolve(ctx context.Context, e *journal.Entry) (*engine.Program, error) {
	if !a.types.Acquire() {
		return nil, engine.ErrGone
	}
	p, err := a.program(ctx, e)
	if err != nil {
		a.types.Release()
		return nil, err
	}
	return p, nil
}

func (a *App) program(ctx context.Context, e *journal.Entry) (*engine.Program, error) {
	if w := a.catalog.Workflow(e.Workflow); w != nil && w.Program != nil && w.Program.Plan.Revision == e.Revision {
		return w.Program, nil
	}
	p, _, err := catalog.Compile(ctx, e.Workflow, e.Revision, e.Document, a.types)
	if err != nil {
		return nil, fmt.Errorf("compiling the recorded workflow: %w", err)
	}
	return p, nil
}
