package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/flowtrux/edge/caddymodule/command"
	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// warm loads all node types of a Caddy config, so that their code is in the cache of compiled code
// when a server starts with it. Built-in ones are among them, whatever the workflows use: others
// may be stored at any time. It opens neither store nor journal. done is called for each file, in
// any order but one at a time. The error is that of a config that cannot be used at all, or of a
// cache that does not keep code.
func warm(ctx context.Context, config []byte, done func(command.Warmed)) (cache string, err error) {
	a, cancel, err := configuredApp(ctx, config)
	if err != nil {
		return "", err
	}
	defer cancel()
	cache = wasmDir()
	w := warming{ctx: ctx, done: done}
	host, err := sandbox.New(sandbox.Options{CacheDir: cache, CacheFailed: w.cacheFailed})
	if err != nil {
		return "", err
	}
	if err := host.Open(ctx); err != nil {
		return "", err
	}
	if w.unkept != nil { // nothing that follows would be kept
		return "", errors.Join(w.unkept, host.Close(ctx))
	}
	fetched := a.newFetcher()
	for _, name := range slices.Sorted(maps.Keys(a.Nodes)) {
		n := a.Nodes[name]
		w.load(n.source.String(), []string{name}, func() ([]*sandbox.Module, error) {
			m, err := a.loadNode(ctx, host, fetched, name, n)
			return []*sandbox.Module{m}, err
		})
	}
	families := make([]loadedFamily, len(a.Families))
	for i, f := range a.Families {
		w.load(f.source.String(), nil, func() (modules []*sandbox.Module, err error) {
			modules, err = a.loadCustomFamily(ctx, host, fetched, f)
			families[i] = loadedFamily{f, modules}
			return modules, err
		})
	}
	for _, f := range nodes.Builtin() {
		w.load("built-in nodes "+f.Name, nil, func() ([]*sandbox.Module, error) { return a.loadBuiltin(ctx, host, f) })
	}
	w.files.Wait()
	return cache, errors.Join(a.checkFamilyNames(families), w.unkept, w.close(), host.Close(ctx))
}

// warming loads files at the same time; the sandbox bounds how many are compiled.
type warming struct {
	ctx   context.Context
	files sync.WaitGroup

	mu     sync.Mutex // guards the fields below, and calls of done
	done   func(command.Warmed)
	loaded []*sandbox.Module
	unkept error // why code is not kept; nil = all of it is
}

// cacheFailed notes why code is not kept. Usually it is the same for all files.
func (w *warming) cacheFailed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unkept == nil {
		w.unkept = fmt.Errorf("%w; the directory has to be writable for the user that runs the server, who is best to run this", err)
	}
}

// load loads a file. Its types are known before if the config names them.
func (w *warming) load(source string, types []string, load func() ([]*sandbox.Module, error)) {
	w.files.Go(func() {
		began := time.Now()
		modules, err := load()
		f := command.Warmed{Source: source, Types: types, Took: time.Since(began)}
		w.mu.Lock()
		defer w.mu.Unlock()
		if err != nil {
			f.Error = err.Error()
			w.done(f)
			return
		}
		f.Types = nil
		for _, m := range modules {
			f.Types, f.Size, f.Compiled = append(f.Types, m.Type()), m.Size(), m.Compiled()
		}
		w.loaded = append(w.loaded, modules...)
		w.done(f)
	})
}

// close closes what was loaded.
func (w *warming) close() (err error) {
	for _, m := range w.loaded {
		err = errors.Join(err, m.Close(w.ctx))
	}
	return err
}
