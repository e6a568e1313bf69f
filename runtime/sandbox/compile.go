package sandbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/flowtrux/edge/runtime/sandbox/instrument"
)

// compileTime is the time limit for compiling, per started MiB. Usually the work that package
// instrument allows is the effective limit: it takes a tenth of this time or less on an idle
// machine. This limit is for overloaded machines and unforeseen cases.
const compileTime = time.Minute

var errSlowCompile = errors.New("compiling takes too long")

// codeKey identifies compiled code: by the module's bytes and the granule of its write barrier.
type codeKey struct {
	digest  [sha256.Size]byte
	granule uint8
}

// compiledCode is a module's code, shared by all loads of the same bytes with the same granule. All
// fields except refs are set when done is closed.
type compiledCode struct {
	done   chan struct{}
	stop   context.CancelCauseFunc // called when nobody waits any more
	ended  context.Context         // ends when compiling must stop; its cause is the reason
	module *instrument.Module      // must not be changed; its Wasm is dropped after compiling
	translation
	err  error // of package instrument, or the compiler's
	refs int   // guarded by Host.mu
}

// compile returns the code of wasm, with a write barrier of that granule, and a function that
// releases it, which is called once. It waits until ctx ends. The host must be open.
func (h *Host) compile(ctx context.Context, wasm []byte, granule uint8) (
	*compiledCode, func(context.Context) error, error,
) {
	key := codeKey{sha256.Sum256(wasm), granule}
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil, nil, errHostClosed
	}
	c := h.code[key]
	if c == nil {
		c = h.startCompile(wasm, granule)
		h.code[key] = c
	}
	c.refs++
	h.mu.Unlock()

	var err error
	select {
	case <-c.done:
		err = c.err
	case <-c.ended.Done():
		select {
		case <-c.done:
			err = c.err
		default:
			err = context.Cause(c.ended)
		}
	case <-ctx.Done():
		err = fmt.Errorf("compiling it was abandoned: %w", contextError(ctx, context.Cause(ctx)))
	}
	if err != nil {
		_ = h.releaseCode(ctx, key, c) // there is no code to close
		return nil, nil, err
	}
	return c, func(ctx context.Context) error { return h.releaseCode(ctx, key, c) }, nil
}

// startCompile begins to compile a module. Others may wait for the code as well, so compilation is
// cancelled only when all of them have given up. The caller holds h.mu.
func (h *Host) startCompile(wasm []byte, granule uint8) *compiledCode {
	limit := compileTime * time.Duration(1+len(wasm)>>20)
	late := fmt.Errorf("%w: more than %v for %d bytes", errSlowCompile, limit, len(wasm))
	stoppable, stop := context.WithCancelCause(context.Background())
	ctx, cancel := context.WithTimeoutCause(stoppable, limit, late)
	c := &compiledCode{done: make(chan struct{}), stop: stop, ended: ctx}
	r := h.engine.runtime
	h.compiling++
	go func() {
		defer cancel()
		c.err = c.compile(ctx, h, r, wasm, granule)
		h.mu.Lock()
		defer h.mu.Unlock()
		close(c.done)
		if c.refs == 0 && c.code != nil {
			_ = c.code.Close(ctx) // frees memory only
		}
		h.compiling--
		h.tidyLater(c.fresh, len(wasm))
		_ = h.endIfUnused(context.Background()) // nobody could receive the error
	}()
	return c
}

// compile instruments a module and compiles it. It returns a panic of wazero as an error: a strange
// file must not end the process.
func (c *compiledCode) compile(
	ctx context.Context, h *Host, r wazero.Runtime, wasm []byte, granule uint8,
) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the compiler failed: %v", p)
		}
	}()
	l := h.compiler.laneOf(wasm)
	if err := l.turns.Acquire(ctx, 1); err != nil {
		return context.Cause(ctx)
	}
	defer l.turns.Release(1)
	if c.module, err = instrument.Instrument(wasm, instrument.Options{Granule: granule}); err != nil {
		return err
	}
	c.translation, err = h.translate(ctx, r, l, c.module.Wasm, c.module.Work.Bytes)
	c.module.Wasm = nil
	return err
}

// releaseCode releases code. The last release ends a host that has been closed before.
func (h *Host) releaseCode(ctx context.Context, key codeKey, c *compiledCode) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.refs--; c.refs > 0 {
		return nil
	}
	if h.code[key] == c {
		delete(h.code, key)
	}
	c.stop(context.Canceled)
	var err error
	select {
	case <-c.done:
		if c.code != nil {
			err = c.code.Close(ctx)
		}
	default: // the compiling goroutine closes it
	}
	return errors.Join(err, h.endIfUnused(ctx))
}
