package sandbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/flowtrux/edge/runtime/sandbox/instrument"
)

const (
	// maxCompileMemory is how much memory modules may take that are compiled at the same time, in bytes,
	// as package instrument estimates it. One that takes more is compiled alone.
	maxCompileMemory = 512 << 20

	// compileTime is how long compiling may take for each MiB that was begun. What bounds it is the
	// work that package instrument allows, which is a tenth of that or less on a machine with
	// nothing else to do: this is for machines that are overloaded, and for what nobody has thought
	// of.
	compileTime = time.Minute

	// singleWorkerBelow is up to how many bytes of a module are compiled on one goroutine. A panic of the
	// compiler is an error there, and nothing stops it before it is done, which is soon. Larger
	// ones, which are programs of compilers, are compiled on two goroutines of wazero's: those look
	// between two functions whether they should go on, but nobody can recover their panics. What is
	// malformed has been refused by then, as wazero validates a module on our goroutine.
	singleWorkerBelow = 1 << 20
)

var errSlowCompile = errors.New("compiling takes too long")

// codeKey is what code depends on: the module's bytes, and how many bytes a mark is for.
type codeKey struct {
	digest  [sha256.Size]byte
	granule uint8
}

// compiledCode is a module's code, shared by all that load the same bytes with the same marks. All but
// refs is there when done is closed.
type compiledCode struct {
	done   chan struct{}
	stop   context.CancelCauseFunc // for when nobody waits any more
	ended  context.Context         // when compiling should have ended; its cause says why
	module *instrument.Module      // not to be changed; without Wasm, which has become the code
	code   wazero.CompiledModule
	err    error // of package instrument, or the compiler's
	refs   int   // guarded by Host.mu
}

// compile returns the code of wasm, with marks of that granule, and a function that gives it back,
// which is called once. It waits no longer than ctx lasts. The host has been opened.
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
		err = fmt.Errorf("compiling it was given up: %w", contextError(ctx, context.Cause(ctx)))
	}
	if err != nil {
		_ = h.releaseCode(ctx, key, c) // there is no code to close
		return nil, nil, err
	}
	return c, func(ctx context.Context) error { return h.releaseCode(ctx, key, c) }, nil
}

// startCompile begins to compile a module. Others may want its code too, so what ends it is not that the
// first who asked for it has gone, but that all have. h.mu is held.
func (h *Host) startCompile(wasm []byte, granule uint8) *compiledCode {
	limit := compileTime * time.Duration(1+len(wasm)>>20)
	late := fmt.Errorf("%w: more than %v for %d bytes", errSlowCompile, limit, len(wasm))
	stoppable, stop := context.WithCancelCause(context.Background())
	ctx, cancel := context.WithTimeoutCause(stoppable, limit, late)
	c := &compiledCode{done: make(chan struct{}), stop: stop, ended: ctx}
	r := h.runtime
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
		_ = h.endIfUnused(context.Background()) // nobody is there to be told
	}()
	return c
}

// compile makes a module ready and compiles it. A panic of wazero is an error like any other: a
// strange file must not end the process.
func (c *compiledCode) compile(
	ctx context.Context, h *Host, r wazero.Runtime, wasm []byte, granule uint8,
) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the compiler failed: %v", p)
		}
	}()
	if c.module, err = instrument.Instrument(wasm, instrument.Options{Granule: granule}); err != nil {
		return err
	}
	workers := 1
	if len(wasm) > singleWorkerBelow {
		workers = 2
	}
	room := min(int64(c.module.Work.Bytes)*int64(workers), maxCompileMemory)
	if err := h.compileMemory.Acquire(ctx, room); err != nil {
		return context.Cause(ctx)
	}
	defer h.compileMemory.Release(room)
	ctx = experimental.WithCompilationWorkers(ctx, workers)
	c.code, err = r.CompileModule(ctx, c.module.Wasm)
	c.module.Wasm = nil
	return err
}

// releaseCode gives code back. The last one to do so ends a host that has been closed before.
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
	default: // who compiles it does so
	}
	return errors.Join(err, h.endIfUnused(ctx))
}
