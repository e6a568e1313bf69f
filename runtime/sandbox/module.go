package sandbox

import (
	"context"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// Module is a compiled node. Safe for concurrent use.
type Module struct {
	limits    Limits
	grants    hostapi.Grants
	source    string
	manifest  []byte
	described bool // the manifest is the module's own
	instances instances
	images    *images // of nodes that the module was prepared for; nil = it cannot be
	// the handles of the manifest by themselves: answers name them without an allocation
	labels      map[string]string
	command     bool     // it is a WASI command
	slow        []string // why each call gets an instance of its own; none = it does not
	releaseCode func(context.Context) error
	running     gate
	budget      *Budget
}

// Manifest is what describe returned, or the least one for a module without it. The caller must not
// change it.
func (m *Module) Manifest() []byte { return m.manifest }

// Limits tells the limits the module was loaded with, defaults filled in.
func (m *Module) Limits() Limits { return m.limits }

// Grants tells what the module may do: what it asked for and was allowed.
func (m *Module) Grants() hostapi.Grants { return m.grants }

// Slow says, for operators, why each call gets a new instance, which takes longer than to put one
// back to where it began; none = it does not. The caller must not change it.
func (m *Module) Slow() []string { return m.slow }

// Source tells where the module came from.
func (m *Module) Source() string { return m.source }

// Result is a call's answer.
type Result struct {
	Kind  abi.Kind
	Label string // handle (Routed) or error code (Error, Fatal)
	// Output is one valid JSON value, compact and without repeated keys (Output, Routed), or a
	// message made fit to be shown by hostapi.CleanMessage (Error, Fatal). It was appended to dst.
	Output []byte
}

// Call runs the node once in a pristine instance. in is read before Call returns and not kept. The
// output is appended to dst, which the caller owns; Result.Output is the appended part. s must not
// be nil and is used until Call returns; the call uses the grants that are in it, and s.Fuel is
// set. The call ends at the earliest of ctx's end, s.Deadline and Limits.Timeout. The error is an
// *Error.
func (m *Module) Call(ctx context.Context, s *hostapi.Session, in, dst []byte) (Result, error) {
	return m.callFor(ctx, s, m.budget.own, in, dst)
}

// Client is a module as one workflow calls it: what its calls hold of memory counts as that
// workflow's. Safe for concurrent use.
type Client struct {
	module *Module
	share  *Share
}

// Budget is what the module's instances and images are counted in.
func (m *Module) Budget() *Budget { return m.budget }

// For returns the module for calls of a workflow, by its id.
func (m *Module) For(workflow string) *Client { return &Client{m, m.budget.Share(workflow)} }

// Call is Module.Call for the workflow.
func (c *Client) Call(ctx context.Context, s *hostapi.Session, in, dst []byte) (Result, error) {
	return c.module.callFor(ctx, s, c.share, in, dst)
}

func (m *Module) callFor(ctx context.Context, s *hostapi.Session, share *Share, in, dst []byte) (Result, error) {
	if !m.running.enter() {
		return Result{}, &Error{Code: CodeInternal, Message: "the node is being unloaded", Detail: ErrClosed}
	}
	defer m.running.leave()
	r, failure := m.call(ctx, s, m.instances, share, in, dst)
	if failure != nil {
		return Result{}, failure
	}
	return r, nil
}

func (m *Module) call(ctx context.Context, s *hostapi.Session, from instances, share *Share, in, dst []byte) (Result, *Error) {
	s.Deadline = m.deadline(ctx, s)
	if ctx.Err() != nil {
		return Result{}, stopped(ctx, nil)
	}
	defer s.Flush()
	instance, failure := from.acquire(ctx, s, share)
	if failure != nil {
		return Result{}, failure
	}
	healthy := false
	defer func() { from.release(instance, healthy) }()
	if m.command {
		r, returned, failure := instance.ran(ctx, s, in, dst, &m.limits)
		healthy = returned
		return r, failure
	}
	packed, failure := instance.answered(ctx, s, from.buffer(), in, m.limits.Fuel)
	if failure != nil {
		return Result{}, failure
	}
	healthy = true
	return instance.answer(packed, m.labels, dst, max(m.limits.Output, s.MaxOutput))
}

// deadline is when a call of the session ends that begins now; zero = never.
func (m *Module) deadline(ctx context.Context, s *hostapi.Session) time.Time {
	end := s.Deadline
	if m.limits.Timeout > 0 {
		if d := time.Now().Add(m.limits.Timeout); end.IsZero() || d.Before(end) {
			end = d
		}
	}
	if d, ok := ctx.Deadline(); ok && (end.IsZero() || d.Before(end)) {
		end = d
	}
	return end
}

// Close waits for running calls until ctx ends, then releases the module; calls that begin later
// fail. When ctx ends first the module is released as soon as they have ended, and the error is
// ctx's. A second Close does nothing and waits for nothing.
func (m *Module) Close(ctx context.Context) error {
	if !m.running.close() {
		return nil
	}
	done := make(chan error, 1)
	go func() {
		<-m.running.ended
		if m.images != nil {
			m.images.close()
		}
		m.instances.close()
		done <- m.releaseCode(context.WithoutCancel(ctx))
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
