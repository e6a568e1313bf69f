package sandbox

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// uncached returns a host that has compiled nothing yet.
func uncached(t *testing.T) *Host {
	t.Helper()
	h, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// begun waits until the host has begun to compile.
func begun(h *Host) *compiledCode {
	for {
		h.mu.Lock()
		for _, c := range h.code {
			h.mu.Unlock()
			return c
		}
		h.mu.Unlock()
	}
}

// An abandoned load stops the compiler early and does not wait for it. A host that is closed
// meanwhile ends with it.
func TestAbandonedLoadStopsTheCompiler(t *testing.T) {
	large := largeModule(t)
	h := uncached(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	failed := make(chan error)
	go func() {
		_, err := h.Load(ctx, ModuleConfig{Source: "large.wasm", Wasm: large})
		failed <- err
	}()
	c := begun(h)
	enough := errors.New("enough")
	cancel(enough)
	var bad *LoadError
	if err := <-failed; !errors.As(err, &bad) || !errors.Is(err, enough) ||
		!strings.HasPrefix(err.Error(), "large.wasm: module: compiling it was abandoned") {
		t.Error(err)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if <-c.done; !errors.Is(c.err, context.Canceled) || c.code != nil {
		t.Errorf("the compiler went on to its end: %v", c.err)
	}
	for ended := false; !ended; {
		h.mu.Lock()
		ended = h.compiling == 0 && h.engine == nil
		h.mu.Unlock()
	}
}

// If one load gives up, others still get the module, and it can be loaded again.
func TestOthersGetAnAbandonedModule(t *testing.T) {
	h := uncached(t)
	// so that compiling waits
	if err := h.compiler.small.memory.Acquire(t.Context(), maxSmallMemory); err != nil {
		t.Fatal(err)
	}
	config := ModuleConfig{Source: "small.wasm", Wasm: says(abi.Output, "1").bytes()}
	impatient, cancel := context.WithCancel(t.Context())
	gaveUp, loaded := make(chan error), make(chan error)
	var m *Module
	go func() {
		_, err := h.Load(impatient, config)
		gaveUp <- err
	}()
	c := begun(h)
	go func() {
		var err error
		m, err = h.Load(t.Context(), config)
		loaded <- err
	}()
	for refs := 0; refs < 2; {
		h.mu.Lock()
		refs = c.refs
		h.mu.Unlock()
	}
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	h.compiler.small.memory.Release(maxSmallMemory)
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	if r, err := m.Call(t.Context(), new(hostapi.Session), nil,
		nil); err != nil || string(r.Output) != "1" {
		t.Errorf("%s, %v", r.Output, err)
	}
	if err := errors.Join(m.Close(t.Context()), h.Close(t.Context())); err != nil {
		t.Error(err)
	}
}

// A module that would take the compiler long is rejected with its name, by Inspect as well.
func TestSlowToCompileModulesAreRejected(t *testing.T) {
	branch := code(local(0), []byte{0x0d, 0x00})
	g := node([]byte{0x02, 0x40}, bytes.Repeat(branch, 32<<10), []byte{0x0b},
		returnPacked(abi.Output, dataAt, 1))
	h := newHost(t)
	_, loading := h.Load(t.Context(), ModuleConfig{Source: "bomb.wasm", Wasm: g.bytes()})
	_, looking := h.Inspect(t.Context(), "bomb.wasm", g.bytes())
	for _, err := range []error{loading, looking} {
		var bad *LoadError
		want := `bomb.wasm: module: section 10: function 1 ("run"): compiling`
		if !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), want) {
			t.Error(err)
		}
	}
}
