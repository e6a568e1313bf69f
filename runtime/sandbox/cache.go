package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"
	"time"

	"github.com/tetratelabs/wazero"
)

// openCache opens the cache of machine code. If the directory cannot be used, code is kept in
// memory only: the modules run all the same. A directory that others can write to is an error.
func (o Options) openCache() (wazero.CompilationCache, error) {
	if o.CacheDir == "" {
		return wazero.NewCompilationCache(), nil
	}
	err := os.MkdirAll(o.CacheDir, 0o700)
	if info, e := os.Stat(o.CacheDir); e == nil {
		// On Windows the mode bits mean nothing. There, inherited permissions protect a user's
		// directories from others.
		if mode := info.Mode().Perm(); mode&0o022 != 0 && goruntime.GOOS != "windows" {
			return nil, fmt.Errorf("the directory for compiled code %s has mode %#o: others could put machine code there; chmod 700 it", o.CacheDir, mode)
		}
	}
	var cache wazero.CompilationCache
	if err == nil {
		cache, err = wazero.NewCompilationCacheWithDir(o.CacheDir)
	}
	if err != nil {
		o.cacheFailed(fmt.Errorf("opening the directory for compiled code: %w", err))
		return wazero.NewCompilationCache(), nil
	}
	return cache, nil
}

func (o Options) cacheFailed(err error) {
	if o.CacheFailed != nil {
		o.CacheFailed(err)
	}
}

// translation is a module's machine code, and the runtime that it belongs to.
type translation struct {
	code    wazero.CompiledModule
	runtime wazero.Runtime
	fresh   bool // it was compiled, and did not come from the cache
}

// translate compiles a module, or gets its code from the cache. A cache that cannot be read or
// written only costs time: an error is the module's own, or that of the context.
func (h *Host) translate(
	ctx context.Context, r wazero.Runtime, l *lane, wasm []byte, memory float64,
) (translation, error) {
	compile := func(r wazero.Runtime) (t translation, err error) {
		defer func() { // a damaged file may be too strange for wazero
			if p := recover(); p != nil {
				err = fmt.Errorf("the compiler failed: %v", p)
			}
		}()
		t.runtime = r
		t.code, t.fresh, err = h.compiler.compileModule(ctx, r, l, wasm, memory, h.serving)
		return t, err
	}
	t, err := compile(r)
	if err == nil || ctx.Err() != nil || h.options.CacheDir == "" {
		return t, err
	}
	file, isFile := fileOf(err)
	if t.fresh {
		if !isFile { // it is the module that cannot be compiled
			return t, err
		}
		h.notStored(file, err)
		if t, err = compile(r); err != nil { // the runtime has it in memory
			return t, err
		}
		t.fresh = true
		h.compiler.compiled.Add(1)
		return t, t.code.Close(ctx) // of the first use: the runtime counts them
	}
	// Without a cache, only what is wrong with the module remains.
	spare, spareErr := h.spareRuntime(ctx)
	if spareErr != nil {
		return t, errors.Join(err, spareErr)
	}
	s, spareErr := compile(spare)
	if spareErr != nil {
		return s, spareErr
	}
	if !isFile && dropCache(h.options.CacheDir) {
		if t, err = compile(r); err == nil { // and stored
			return t, s.code.Close(ctx)
		}
	}
	h.options.cacheFailed(fmt.Errorf("reading compiled code: %w", err))
	return s, nil
}

// fileOf returns the file or directory that an error of the system is about.
func fileOf(err error) (path string, ok bool) {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Path, true
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.New, true
	}
	return "", false
}

// notStored is called when a file of the cache could not be written. If somebody has removed its
// directory, it is made again: wazero does so only when it starts.
func (h *Host) notStored(file string, err error) {
	dir := filepath.Dir(file)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) == filepath.Clean(h.options.CacheDir) {
		if os.MkdirAll(dir, 0o700) == nil {
			return
		}
	}
	h.options.cacheFailed(fmt.Errorf("storing compiled code: %w", err))
}

// spareRuntime returns a runtime without a cache on disk. It is made when it is first needed.
func (h *Host) spareRuntime(ctx context.Context) (wazero.Runtime, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.spare == nil {
		var err error
		if h.spare, err = newEngine(ctx, wazero.NewCompilationCache()); err != nil {
			return nil, err
		}
	}
	return h.spare.runtime, nil
}

// dropCache removes the code that is stored, since some of it is damaged. It reports whether that
// has worked.
func dropCache(dir string) (ok bool) {
	ok = true
	for _, version := range cachedVersions(dir) {
		for _, f := range cacheFiles(version, time.Now()) {
			if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				ok = false
			}
		}
	}
	return ok
}
