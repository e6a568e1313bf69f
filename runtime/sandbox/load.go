package sandbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox/instrument"
)

// Defaults of Limits.
const (
	DefaultMemory = 64 << 20 // bytes
	DefaultOutput = 1 << 20  // bytes
)

const (
	maxModule   = 128 << 20        // bytes of a module
	maxManifest = 1 << 20          // bytes of describe's result
	trialTime   = 10 * time.Second // for _initialize, warmup and describe together
	wasmPage    = 64 << 10         // bytes

	// The first bytes of files:
	// https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
	moduleHead    = "\x00asm\x01\x00\x00\x00"
	componentHead = "\x00asm\x0d\x00\x01\x00"
)

// Limits are the limits of a module's calls; engine.Limits are those of executions. A call's stack
// is not part of its memory: it begins with 10 KiB and doubles as needed; beyond 18 MiB the call
// traps.
type Limits struct {
	Memory  uint64        // bytes of linear memory; 0 = 64 MiB
	Timeout time.Duration // wall clock of one call; 0 = none
	Output  int           // bytes of one output; 0 = 1 MiB

	// Fuel is the fuel of one call, about one unit per WebAssembly instruction; 0 = unlimited.
	// Unlike time, it is the same on every machine.
	Fuel uint64
	// NoSnapshot gives each call a new instance in the state that the module's start leaves,
	// without warmup. Each call then takes the time of a start as well.
	NoSnapshot bool
}

// ModuleConfig configures Load.
type ModuleConfig struct {
	Type   string // the node type, for messages
	Source string // file or name, for messages
	// not changed; retained only if each call gets a new instance, see Module.SnapshotObstacles
	Wasm   []byte
	Grants hostapi.Grants // what the operator allows; the module gets the part that it asks for
	Limits Limits
	// Offered is the name of the one node type to load from a file that offers several; "" = the
	// file offers one.
	Offered string
}

// LoadError reports a module that cannot be used. Its text names the source, the part of the module
// and the reason.
type LoadError struct {
	Source, Part, Reason string
	Detail               error
}

func (e *LoadError) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.Source, e.Part, e.Reason)
}

// Details of a LoadError for which callers can say what to do: it depends on how they are told of
// modules.
var (
	ErrSeveralTypes = errors.New("the file offers several node types, and none of them is named")
	ErrUndescribed  = errors.New("the file does not describe its node types")
)

// Unwrap returns the detail.
func (e *LoadError) Unwrap() error { return e.Detail }

// Load compiles and checks a module: its exports and their signatures, its imports against what the
// host offers and the operator grants, and one instance, which it initializes, warms up and asks
// for its manifest. The error is a *LoadError or an error of the host.
func (h *Host) Load(ctx context.Context, c ModuleConfig) (*Module, error) {
	modules, err := h.loadFile(ctx, fileConfig{c.Source, c.Type, c.Wasm, c.Limits}, func(f *file, reject rejection) ([]typeChoice, error) {
		at := 0
		switch {
		case c.Offered != "":
			if at = f.offered(c.Offered); at < 0 {
				return nil, reject(abi.ExportDescribe, "it offers no node type %q; it offers %s", c.Offered, f.names())
			}
		case len(f.offers) > 1:
			return nil, &LoadError{c.Source, abi.ExportDescribe, fmt.Sprintf("it offers %d node types (%s)", len(f.offers), f.names()), ErrSeveralTypes}
		}
		return []typeChoice{{at, TypeConfig{Type: c.Type, Grants: c.Grants}}}, nil
	})
	if err != nil {
		return nil, err
	}
	return modules[0], nil
}

// fileConfig configures loadFile.
type fileConfig struct {
	source string
	typ    string // the node type of a file without describe
	wasm   []byte
	limits Limits
}

// loadFile loads a file and makes a module for each node type that choose returns, at least one.
// The error is a *LoadError or an error of the host.
func (h *Host) loadFile(
	ctx context.Context, c fileConfig, choose func(*file, rejection) ([]typeChoice, error),
) (_ []*Module, err error) {
	reject := func(part, reason string, args ...any) error {
		return &LoadError{Source: c.source, Part: part, Reason: fmt.Sprintf(reason, args...)}
	}
	c.limits.Memory = min(cmp.Or(c.limits.Memory, DefaultMemory)/wasmPage*wasmPage, maxMemory)
	c.limits.Output = cmp.Or(c.limits.Output, DefaultOutput)
	slow, granule := h.snapshotObstacles(c.limits), instrument.Granule(c.limits.Memory)
	if len(slow) > 0 {
		granule = 0
	}
	code, release, err := h.loadCode(ctx, c.source, c.wasm, granule)
	if err != nil {
		return nil, err
	}
	compiled, parts := code.code, code.module
	f := &file{
		limits: c.limits, source: c.source, releaseCode: release, instances: freshInstances{}, obstacles: slices.Concat(parts.Obstacles, slow),
		budget: h.options.Budget, digest: sha256.Sum256(c.wasm), size: len(c.wasm), command: isCommand(compiled), compiled: code.fresh,
	}
	f.users.Store(1) // this function
	defer func() {
		if e := f.leave(ctx); err == nil {
			err = e
		}
	}()
	if err := checkExports(compiled, f.command, parts.MemoryMin, c.limits.Memory, reject); err != nil {
		return nil, err
	}
	needs, err := checkImports(compiled, reject)
	if err != nil {
		return nil, err
	}
	limit := c.limits.Memory
	if parts.HasMax {
		limit = min(limit, uint64(parts.MemoryMax)*wasmPage)
	}
	inst := &instantiator{
		runtime: code.runtime, compiled: compiled, module: parts, wasm: c.wasm,
		layout: hostapi.Memory{Base: parts.Base, Granule: granule}, limit: limit,
		budget: h.options.Budget, seed: h.options.startSeed(c.wasm), command: f.command, runExport: abi.ExportRun,
	}
	if err := f.try(ctx, h, inst, c, reject); err != nil {
		return nil, err
	}
	if err := f.checkEntries(compiled, reject); err != nil {
		return nil, err
	}
	inst.runExport = f.exportRun()
	chosen, err := choose(f, reject)
	if err != nil {
		return nil, err
	}
	modules := make([]*Module, len(chosen))
	for i, t := range chosen {
		if modules[i], err = f.newModule(t, inst, needs, reject); err != nil {
			return nil, err
		}
	}
	if _, prepares := compiled.ExportedFunctions()[f.exportPrepare()]; prepares && !f.command {
		f.prepared = h.newPreparedCache(f, inst)
	}
	f.users.Add(int64(len(modules)))
	return modules, nil
}

// loadCode returns the code of a module, with a write barrier of that granule, and a function that
// releases it, which is called once. The error is a *LoadError or an error of the host.
func (h *Host) loadCode(ctx context.Context, source string, wasm []byte, granule uint8) (*compiledCode, func(context.Context) error, error) {
	reject := func(part, reason string) (*compiledCode, func(context.Context) error, error) {
		return nil, nil, &LoadError{Source: source, Part: part, Reason: reason}
	}
	switch head := string(wasm[:min(len(wasm), 8)]); {
	case len(wasm) > maxModule:
		return reject("module", fmt.Sprintf("%d bytes exceed the limit of %d", len(wasm), maxModule))
	case head == componentHead:
		return reject("module", "a WebAssembly component; nodes are core modules (version 1)")
	case head != moduleHead:
		return reject("module", "not a WebAssembly core module (version 1)")
	}
	if err := h.Open(ctx); err != nil {
		return nil, nil, err
	}
	code, release, err := h.compile(ctx, wasm, granule)
	switch bad := (*instrument.Error)(nil); {
	case errors.As(err, &bad):
		return reject(bad.Part, bad.Reason)
	case errors.Is(err, errHostClosed):
		return nil, nil, err
	case err != nil:
		return nil, nil, &LoadError{Source: source, Part: "module", Reason: err.Error(), Detail: err}
	}
	return code, release, nil
}

// try starts the module, warms it up, makes its snapshot and reads its manifests. A module without
// describe gets a minimal manifest.
func (f *file) try(ctx context.Context, h *Host, inst *instantiator, c fileConfig, reject rejection) error {
	failed := func(part string, failure *Error) error {
		reason := failure.Message
		if said := failure.stderrLine(); said != "" {
			reason += ": " + said
		}
		return &LoadError{Source: c.source, Part: part, Reason: reason, Detail: failure}
	}
	if ctx.Err() != nil {
		return failed("start", contextError(ctx, nil))
	}
	own := h.options.Budget.own
	if failure := own.awaitMemory(ctx, time.Now().Add(h.memoryPatience), inst.footprint(nil).bytes); failure != nil {
		return failed("memory", failure)
	}
	s := inst.startSession()
	s.Deadline = time.Now().Add(h.trialTimeout)
	if len(f.obstacles) > 0 {
		f.instances = freshInstances{inst}
	} else {
		var snap *snapshot
		var part string
		failure := own.retryWhileFull(ctx, h.memoryPatience, func() (failure *Error) {
			s.Deadline = time.Now().Add(h.trialTimeout)
			snap, part, failure = inst.snapshot(ctx, s, h.options.Reset)
			return failure
		})
		if failure != nil {
			return failed(part, failure)
		}
		inst.wasm = nil // its data is in the snapshot now
		p := newPool(inst, snap)
		f.instances = registeredPool{p, h.register(p)}
	}
	in, failure := f.instances.acquire(ctx, s, own)
	if failure != nil {
		return failed("start", failure)
	}
	// describe writes to pages that calls do not write to. The next reset would keep them with the
	// instance for nothing.
	defer f.instances.discard(in)
	f.startSize = in.memory.size - uint64(in.layout.Base)
	if f.command || in.module.ExportedFunction(abi.ExportDescribe) == nil {
		return f.readOffers(fmt.Appendf(nil, `{"abi":%d,"type":%s,"version":"0.0.0"}`, abi.Version, rawjson.AppendQuoted(nil, []byte(c.typ))), reject)
	}
	packed, failure := in.invoke(ctx, s, abi.ExportDescribe)
	if failure != nil {
		return failed(abi.ExportDescribe, failure)
	}
	r, failure := in.decodeResult(packed, nil, nil, maxManifest)
	switch {
	case failure != nil:
		return failed(abi.ExportDescribe, failure)
	case r.Kind != abi.Output:
		return reject(abi.ExportDescribe, "it returns an error: %s", r.Output)
	}
	f.described = true
	return f.readOffers(r.Output, reject)
}

// snapshotObstacles returns the reasons in the configuration why calls get new instances.
func (h *Host) snapshotObstacles(l Limits) []string {
	switch {
	case l.NoSnapshot:
		return []string{"its snapshot is turned off"}
	case h.options.Reset == ResetNever:
		return []string{"instances are never reset here"}
	}
	return nil
}
