package sandbox

import (
	"context"
	"crypto/sha256"
	"sync/atomic"
	"time"

	"github.com/flowtrux/edge/internal/drain"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// Module is a node type that a file offers, ready to be called. Modules of the same file share its
// code and its instances, and nothing else: each has its own grants and limits, and every call
// begins with the same snapshot. It is safe for concurrent use.
type Module struct {
	*file
	typ         string
	index       uint32 // of the type in its family
	limits      Limits
	memoryLimit uint64 // bytes of an instance's memory in a call, dirty marks included
	grants      hostapi.Grants
	// the manifest's handles, keyed by themselves, so that results name them without an allocation
	handleNames map[string]string
	calls       drain.Group
}

// file is a loaded file, shared by the modules of its node types.
type file struct {
	limits      Limits // the defaults of its types
	source      string
	digest      [sha256.Size]byte
	size        int // bytes
	offers      []offer
	described   bool // the manifests are the module's own
	family      bool // describe has returned a list
	instances   instanceSource
	startSize   uint64         // bytes of memory when a call begins
	prepared    *preparedCache // snapshots prepared for nodes; nil = the module has no prepare
	command     bool           // it is a WASI command
	compiled    bool           // see Compiled
	obstacles   []string       // see SnapshotObstacles
	releaseCode func(context.Context) error
	budget      *Budget
	users       atomic.Int64 // modules that are not closed
}

// leave releases the file if its last user leaves.
func (f *file) leave(ctx context.Context) error {
	if f.users.Add(-1) > 0 {
		return nil
	}
	if f.prepared != nil {
		f.prepared.close()
	}
	f.instances.close()
	return f.releaseCode(ctx)
}

// Type returns the node type: the name that it was configured with, or else its own.
func (m *Module) Type() string { return m.typ }

// Manifest returns the node type's manifest, or a minimal one for a module without describe. The
// caller must not change it.
func (m *Module) Manifest() []byte { return m.offers[m.index].manifest }

// Limits returns the limits that the module was loaded with, including defaults.
func (m *Module) Limits() Limits { return m.limits }

// Grants returns the module's capabilities: those that it asked for and was allowed.
func (m *Module) Grants() hostapi.Grants { return m.grants }

// SnapshotObstacles returns, for operators, the reasons why the module has no snapshot. Each call
// gets a new instance then, which takes longer than to restore one. It is empty for a module with a
// snapshot. The caller must not change it.
func (f *file) SnapshotObstacles() []string { return f.obstacles }

// Source returns the file or name that the module was loaded from.
func (f *file) Source() string { return f.source }

// Compiled reports whether the file was compiled when it was loaded, rather than its code found in
// the cache.
func (f *file) Compiled() bool { return f.compiled }

// Size returns the size of the file, in bytes.
func (f *file) Size() int { return f.size }

// Digest returns the SHA-256 of the module's file.
func (f *file) Digest() [sha256.Size]byte { return f.digest }

// Result is the result of a call.
type Result struct {
	Kind  abi.Kind
	Label string // handle (Routed) or error code (Error, Fatal)
	// Output is one valid JSON value, compact and without repeated keys (Output, Routed), or a
	// message cleaned by hostapi.CleanMessage (Error, Fatal). It was appended to dst.
	Output []byte
}

// Call runs the node once in a pristine instance. It does not retain in. The output is appended to
// dst, which the caller owns; Result.Output is the appended part. s must not be nil and is in use
// until Call returns. The call has the grants in s, and Call sets s.Fuel. The call ends at the
// earliest of ctx's end, s.Deadline and Limits.Timeout. The error is an *Error.
func (m *Module) Call(ctx context.Context, s *hostapi.Session, in, dst []byte) (Result, error) {
	return m.callFor(ctx, s, m.budget.own, in, dst)
}

// Client calls a module for one workflow: the memory that its calls hold counts against that
// workflow's share of the budget. It is safe for concurrent use.
type Client struct {
	module *Module
	share  *Share
}

// Budget returns the memory budget that the module's instances and snapshots count against.
func (m *Module) Budget() *Budget { return m.budget }

// For returns a client for the workflow with this id.
func (m *Module) For(workflow string) *Client { return &Client{m, m.budget.Share(workflow)} }

// Call is Module.Call on behalf of the workflow.
func (c *Client) Call(ctx context.Context, s *hostapi.Session, in, dst []byte) (Result, error) {
	return c.module.callFor(ctx, s, c.share, in, dst)
}

func (m *Module) callFor(ctx context.Context, s *hostapi.Session, share *Share, in, dst []byte) (Result, error) {
	if !m.calls.Enter() {
		return Result{}, &Error{Code: CodeInternal, Message: "the node is being unloaded", Detail: ErrClosed}
	}
	defer m.calls.Leave()
	r, failure := m.call(ctx, s, m.instances, share, in, dst)
	if failure != nil {
		return Result{}, failure
	}
	return r, nil
}

func (m *Module) call(ctx context.Context, s *hostapi.Session, from instanceSource, share *Share, in, dst []byte) (Result, *Error) {
	s.Deadline = m.deadline(ctx, s)
	if ctx.Err() != nil {
		return Result{}, contextError(ctx, nil)
	}
	defer s.Flush()
	instance, failure := from.acquire(ctx, s, share)
	if failure != nil {
		return Result{}, failure
	}
	healthy := false
	defer func() { from.release(instance, healthy) }()
	if m.command {
		r, returned, failure := instance.runCommand(ctx, s, in, dst, &m.limits)
		healthy = returned
		return r, failure
	}
	packed, failure := instance.run(ctx, s, m, from.inputBuffer(), in, m.limits.Fuel)
	if failure != nil {
		return Result{}, failure
	}
	healthy = true
	return instance.decodeResult(packed, m.handleNames, dst, max(m.limits.Output, s.MaxOutput))
}

// deadline returns when a call of the session that begins now must end; zero = never.
func (m *Module) deadline(ctx context.Context, s *hostapi.Session) time.Time {
	end := s.Deadline
	if m.limits.Timeout > 0 {
		began := s.Began
		if began.IsZero() {
			began = time.Now()
		}
		if d := began.Add(m.limits.Timeout); end.IsZero() || d.Before(end) {
			end = d
		}
	}
	if d, ok := ctx.Deadline(); ok && (end.IsZero() || d.Before(end)) {
		end = d
	}
	return end
}

// Close waits for running calls until ctx ends, then releases the module, and with the last module
// of a file the file. Later calls fail. If ctx
// ends first, Close returns its error, and the module is released once the running calls have
// ended. A second Close does nothing and waits for nothing.
func (m *Module) Close(ctx context.Context) error {
	if !m.calls.Close() {
		return nil
	}
	done := make(chan error, 1)
	go func() {
		<-m.calls.Drained()
		done <- m.leave(context.WithoutCancel(ctx))
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
