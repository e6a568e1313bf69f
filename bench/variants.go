package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// variant is a way to call a guest.
type variant struct {
	name  string
	about string
	load  func(context.Context, guest) (call, func(), error)
}

// base is the variant that the others are compared with.
const base = "reuse"

// checked is the base with the checks of a node's output.
const checked = "reuse+JSON"

// variantOf returns the place of a variant.
func variantOf(name string) int {
	return slices.IndexFunc(variants, func(v variant) bool { return v.name == name })
}

// nodeTimeout is the default timeout of a node in the server.
const nodeTimeout = 10 * time.Second

var variants = []variant{
	{"fresh", "the sandbox with a new instance for each call", loadSandbox(func(c *sandbox.ModuleConfig) { c.Limits.NoSnapshot = true })},
	{
		base, "plain wazero without any checks, one instance for all calls and no reset between them: insecure, and the lower bound",
		loadReused(func(payload, dst []byte) ([]byte, error) { return append(dst, payload...), nil }),
	},
	{
		checked, "the same with a check that the output is one JSON value, as for every node",
		loadReused(func(payload, dst []byte) ([]byte, error) { return rawjson.AppendCanonical(dst, payload, maxDepth) }),
	},
	{"ours", "the sandbox as the server uses it: each call starts from the snapshot taken after start-up, can be interrupted, and its output is checked", loadSandbox(func(c *sandbox.ModuleConfig) {})},
}

// maxDepth is the nesting limit for an output, the same as in the sandbox.
const maxDepth = 512

// loadSandbox loads a guest the way the server loads an operator's node, with the config changed by
// set.
func loadSandbox(set func(*sandbox.ModuleConfig)) func(context.Context, guest) (call, func(), error) {
	return func(ctx context.Context, g guest) (call, func(), error) {
		host, err := sandbox.New(sandbox.Options{})
		if err != nil {
			return nil, nil, err
		}
		config := sandbox.ModuleConfig{Type: "guest", Source: g.name, Wasm: g.wasm, Limits: sandbox.Limits{Timeout: nodeTimeout}}
		set(&config)
		m, err := host.Load(ctx, config)
		if err != nil {
			return nil, nil, errors.Join(err, host.Close(ctx))
		}
		session := new(hostapi.Session)
		return func(ctx context.Context, in, dst []byte) ([]byte, error) {
				session.Reset()
				r, err := m.Call(ctx, session, in, dst)
				if err == nil && r.Kind != abi.Output {
					err = fmt.Errorf("the guest failed: %s: %s", r.Label, r.Output)
				}
				return r.Output, err
			}, func() {
				// These release memory only.
				_ = errors.Join(m.Close(context.Background()), host.Close(context.Background()))
			}, nil
	}
}

// loadReused creates one instance with one input buffer for all calls. copyOut appends the output
// to dst.
func loadReused(copyOut func(payload, dst []byte) ([]byte, error)) func(context.Context, guest) (call, func(), error) {
	return func(ctx context.Context, g guest) (call, func(), error) {
		r := wazero.NewRuntime(ctx)
		closed := func() { _ = r.Close(context.Background()) } // releases memory only
		reused, err := instantiate(ctx, r, g)
		if err != nil {
			closed()
			return nil, nil, err
		}
		return func(ctx context.Context, in, dst []byte) ([]byte, error) { return reused.call(ctx, in, dst, copyOut) }, closed, nil
	}
}

// reused is an instance that is never reset: calls see what earlier calls left in memory.
type reused struct {
	memory api.Memory
	run    api.Function
	ptr    uint32 // of the input buffer
	size   uint32
	ctx    context.Context // with the session, which all calls share
	stack  [2]uint64
}

func instantiate(ctx context.Context, r wazero.Runtime, g guest) (*reused, error) {
	if err := hostapi.Instantiate(ctx, r); err != nil {
		return nil, err
	}
	ctx = new(hostapi.Session).Context(ctx)
	m, err := r.InstantiateWithConfig(ctx, g.wasm, wazero.NewModuleConfig().WithStartFunctions(abi.ExportInitialize))
	if err != nil {
		return nil, err
	}
	if warm := m.ExportedFunction(abi.ExportWarmup); warm != nil {
		if _, err := warm.Call(ctx); err != nil {
			return nil, err
		}
	}
	size := uint32(len(g.input))
	ptr, err := m.ExportedFunction(abi.ExportAlloc).Call(ctx, uint64(size))
	if err != nil {
		return nil, err
	}
	return &reused{memory: m.Memory(), run: m.ExportedFunction(abi.ExportRun), ptr: uint32(ptr[0]), size: size, ctx: ctx}, nil
}

func (i *reused) call(_ context.Context, in, dst []byte, copyOut func(payload, dst []byte) ([]byte, error)) ([]byte, error) {
	if uint32(len(in)) > i.size || !i.memory.Write(i.ptr, in) {
		return nil, errors.New("the input does not fit into the buffer")
	}
	i.stack[0], i.stack[1] = uint64(i.ptr), uint64(len(in))
	if err := i.run.CallWithStack(i.ctx, i.stack[:]); err != nil {
		return nil, err
	}
	kind, ptr, n := abi.Unpack(i.stack[0])
	payload, ok := i.memory.Read(ptr, n)
	if !ok || kind != abi.Output {
		return nil, fmt.Errorf("the guest failed: %.200s", payload)
	}
	return copyOut(payload, dst)
}
