package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

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
	maxManifest = 1 << 20          // bytes of what describe returns
	trialTime   = 10 * time.Second // for _initialize, warmup and describe together
	wasmPage    = 64 << 10         // bytes

	// What files begin with:
	// https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
	moduleHead    = "\x00asm\x01\x00\x00\x00"
	componentHead = "\x00asm\x0d\x00\x01\x00"
)

// Limits of a module's calls. The stack of a call is no part of its memory: it begins with 10 KiB
// and is doubled as it is needed; beyond 18 MiB the call traps.
type Limits struct {
	Memory  uint64        // bytes of linear memory; 0 = 64 MiB
	Timeout time.Duration // wall clock of one call; 0 = none
	Output  int           // bytes of one output; 0 = 1 MiB

	// Fuel is the budget of one call, about one unit a WebAssembly instruction; 0 = none. Other
	// than the time it is the same on every machine.
	Fuel uint64
	// NoSnapshot gives each call a new instance, which sees the module as its start leaves it:
	// without warmup, at the cost of a start for each call.
	NoSnapshot bool
}

// ModuleConfig is what Load needs.
type ModuleConfig struct {
	Type   string // the node type, for messages
	Source string // file or name, for messages
	// not changed; kept only where each call gets a new instance, see Module.SnapshotObstacles
	Wasm   []byte
	Grants hostapi.Grants // what the operator allows; the module gets what it asks for of that
	Limits Limits
}

// LoadError is a module that cannot be used. Its text names the source, the part of the module and
// the reason.
type LoadError struct {
	Source, Part, Reason string
	Detail               error
}

func (e *LoadError) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.Source, e.Part, e.Reason)
}

// Unwrap returns the detail.
func (e *LoadError) Unwrap() error { return e.Detail }

// Load checks, compiles and tries a module: its exports and their signatures, its imports against
// what is offered and granted, one instance that is initialized, warmed up and described. The error
// is a *LoadError, or the host's own.
func (h *Host) Load(ctx context.Context, c ModuleConfig) (_ *Module, err error) {
	refuse := func(part, reason string, args ...any) error {
		return &LoadError{Source: c.Source, Part: part, Reason: fmt.Sprintf(reason, args...)}
	}
	c.Limits.Memory = min(cmp.Or(c.Limits.Memory, DefaultMemory)/wasmPage*wasmPage, maxMemory)
	c.Limits.Output = cmp.Or(c.Limits.Output, DefaultOutput)
	slow, granule := h.slow(c.Limits), instrument.Granule(c.Limits.Memory)
	if len(slow) > 0 {
		granule = 0
	}
	code, release, err := h.ready(ctx, c.Source, c.Wasm, granule)
	if err != nil {
		return nil, err
	}
	compiled, parts := code.code, code.parts
	m := &Module{
		limits: c.Limits, source: c.Source, releaseCode: release, instances: fresh{}, slow: slices.Concat(parts.Obstacles, slow),
		running: gate{ended: make(chan struct{})}, budget: h.options.Budget,
	}
	defer func() {
		if err != nil {
			m.instances.close()
			_ = release(ctx) // frees memory only; err says more
		}
	}()
	m.command = isCommand(compiled)
	if err := checkExports(compiled, m.command, parts.MemoryMin, c.Limits.Memory, refuse); err != nil {
		return nil, err
	}
	needs, err := checkImports(compiled, refuse)
	if err != nil {
		return nil, err
	}
	limit := c.Limits.Memory
	if parts.HasMax {
		limit = min(limit, uint64(parts.MemoryMax)*wasmPage)
	}
	starter := &starter{
		runtime: h.runtime, compiled: compiled, parts: parts, wasm: c.Wasm,
		layout: hostapi.Memory{Base: parts.Base, Granule: granule}, limit: limit,
		budget: h.options.Budget, seed: h.options.startSeed(c.Wasm), command: m.command,
	}
	if err := m.try(ctx, h, starter, c, refuse); err != nil {
		return nil, err
	}
	if err := m.grant(c, needs, refuse); err != nil {
		return nil, err
	}
	if _, prepares := compiled.ExportedFunctions()[abi.ExportPrepare]; prepares && !m.command {
		m.images = h.newImages(m, starter)
	}
	return m, nil
}

// ready returns the code of a module, with marks of that granule, and a function that gives it
// back, which is called once. The error is a *LoadError, or the host's own.
func (h *Host) ready(ctx context.Context, source string, wasm []byte, granule uint8) (*compiled, func(context.Context) error, error) {
	refuse := func(part, reason string) (*compiled, func(context.Context) error, error) {
		return nil, nil, &LoadError{Source: source, Part: part, Reason: reason}
	}
	switch head := string(wasm[:min(len(wasm), 8)]); {
	case len(wasm) > maxModule:
		return refuse("module", fmt.Sprintf("%d bytes is more than the %d that are taken", len(wasm), maxModule))
	case head == componentHead:
		return refuse("module", "a WebAssembly component; nodes are core modules (version 1)")
	case head != moduleHead:
		return refuse("module", "not a WebAssembly core module (version 1)")
	}
	if err := h.Open(ctx); err != nil {
		return nil, nil, err
	}
	code, release, err := h.compile(ctx, wasm, granule)
	switch bad := (*instrument.Error)(nil); {
	case errors.As(err, &bad):
		return refuse(bad.Part, bad.Reason)
	case errors.Is(err, errHostClosed):
		return nil, nil, err
	case err != nil:
		return nil, nil, &LoadError{Source: source, Part: "module", Reason: err.Error(), Detail: err}
	}
	return code, release, nil
}

type refusal func(part, reason string, args ...any) error

// export is a function that a module may or must export.
type export struct {
	name            string
	params, results []api.ValueType
	optional        bool
}

const (
	i32 = api.ValueTypeI32
	i64 = api.ValueTypeI64
)

var exports = []export{
	{name: abi.ExportAlloc, params: []api.ValueType{i32}, results: []api.ValueType{i32}},
	{name: abi.ExportRun, params: []api.ValueType{i32, i32}, results: []api.ValueType{i64}},
	{name: abi.ExportDescribe, results: []api.ValueType{i64}, optional: true},
	{name: abi.ExportInitialize, optional: true},
	{name: abi.ExportWarmup, optional: true},
	{name: abi.ExportPrepare, params: []api.ValueType{i32, i32}, results: []api.ValueType{i64}, optional: true},
}

func checkExports(code wazero.CompiledModule, command bool, pages uint32, limit uint64, refuse refusal) error {
	functions := code.ExportedFunctions()
	wanted := exports
	if command {
		wanted = commandExports
	}
	for _, e := range wanted {
		f, ok := functions[e.name]
		want := signature(e.params, e.results)
		switch {
		case !ok && e.optional:
		case !ok:
			return refuse("exports", "no function %s%s; a node exports memory, alloc and run", e.name, want)
		case !slices.Equal(f.ParamTypes(), e.params) || !slices.Equal(f.ResultTypes(), e.results):
			return refuse("exports", "%s is %s; it must be %s", e.name, signature(f.ParamTypes(), f.ResultTypes()), want)
		}
	}
	if _, ok := code.ExportedMemories()[abi.ExportMemory]; !ok {
		return refuse("exports", "no memory named %s", abi.ExportMemory)
	}
	if size := uint64(pages) * wasmPage; size > limit {
		return refuse("memory", "it begins with %d bytes, the limit is %d", size, limit)
	}
	return nil
}

// checkImports returns the capabilities that the imports need. They are all functions: see package
// instrument.
func checkImports(code wazero.CompiledModule, refuse refusal) (needs []need, err error) {
	offered := offers()
	for _, f := range code.ImportedFunctions() {
		module, name, _ := f.Import()
		o, ok := offered[[2]string{module, name}]
		switch {
		case !ok:
			return nil, refuse("imports", "%s.%s is not offered; offered are %s and %s", module, name, abi.HostModule, hostapi.WASI)
		case !slices.Equal(f.ParamTypes(), o.Params) || !slices.Equal(f.ResultTypes(), o.Results):
			return nil, refuse("imports", "%s.%s is %s; it must be %s", module, name,
				signature(f.ParamTypes(), f.ResultTypes()), signature(o.Params, o.Results))
		case o.Needs != "":
			needs = append(needs, need{o.Needs, name})
		}
	}
	return needs, nil
}

// offers are the host's functions by module and name.
func offers() map[[2]string]hostapi.Function {
	all := make(map[[2]string]hostapi.Function)
	for _, f := range hostapi.Offered() {
		all[[2]string{f.Module, f.Name}] = f
	}
	return all
}

// need is a capability that an import needs.
type need struct {
	capability hostapi.Capability
	function   string
}

// signature writes a function's type: (i32, i32) -> i64.
func signature(params, results []api.ValueType) string {
	names := func(types []api.ValueType) string {
		s := make([]string, len(types))
		for i, t := range types {
			s[i] = api.ValueTypeName(t)
		}
		return strings.Join(s, ", ")
	}
	out := "(" + names(params) + ")"
	if len(results) > 0 {
		out += " -> " + names(results)
	}
	return out
}

// try brings the module to life, warms it up and reads its manifest. A module without describe gets
// the least manifest there is.
func (m *Module) try(ctx context.Context, h *Host, starter *starter, c ModuleConfig, refuse refusal) error {
	failed := func(part string, failure *Error) error {
		reason := failure.Message
		if said := failure.said(); said != "" {
			reason += ": " + said
		}
		return &LoadError{Source: c.Source, Part: part, Reason: reason, Detail: failure}
	}
	if ctx.Err() != nil {
		return failed("start", stopped(ctx, nil))
	}
	own := h.options.Budget.own
	if failure := own.await(ctx, time.Now().Add(h.patience), starter.needs(nil).bytes); failure != nil {
		return failed("memory", failure)
	}
	s := starter.begin()
	s.Deadline = time.Now().Add(h.trial)
	if len(m.slow) > 0 {
		m.instances = fresh{starter}
	} else {
		var image *image
		var part string
		failure := own.retry(ctx, h.patience, func() (failure *Error) {
			s.Deadline = time.Now().Add(h.trial)
			image, part, failure = starter.template(ctx, s, h.options.Reset)
			return failure
		})
		if failure != nil {
			return failed(part, failure)
		}
		starter.wasm = nil // its data is in the image now
		p := newPool(starter, image)
		m.instances = kept{p, h.keep(p)}
	}
	in, failure := m.instances.acquire(ctx, s, own)
	if failure != nil {
		return failed("start", failure)
	}
	// What a description dirties calls do not, so that it would be put back after each call for
	// nothing.
	defer m.instances.discard(in)
	if m.command || in.module.ExportedFunction(abi.ExportDescribe) == nil {
		m.manifest = fmt.Appendf(nil, `{"abi":%d,"type":%s,"version":"0.0.0"}`, abi.Version, rawjson.AppendQuoted(nil, []byte(c.Type)))
		return nil
	}
	packed, failure := in.invoke(ctx, s, abi.ExportDescribe)
	if failure != nil {
		return failed(abi.ExportDescribe, failure)
	}
	r, failure := in.answer(packed, nil, nil, maxManifest)
	switch {
	case failure != nil:
		return failed(abi.ExportDescribe, failure)
	case r.Kind != abi.Output:
		return refuse(abi.ExportDescribe, "it answers with an error: %s", r.Output)
	}
	m.manifest, m.described = r.Output, true
	return nil
}

// slow says why calls of a module get new instances here, whatever the module is.
func (h *Host) slow(l Limits) []string {
	switch {
	case l.NoSnapshot:
		return []string{"its snapshot is turned off"}
	case h.options.Reset == ResetNever:
		return []string{"instances are never reset here"}
	}
	return nil
}

// kept is a pool that its host shrinks.
type kept struct {
	*pool
	drop func()
}

func (k kept) close() {
	k.drop()
	k.pool.close()
}

// grant gives the module what both its manifest asks for and the operator allows. It must have what
// its imports need; the real clock, and the like, it can do without. A module without describe asks
// for what it imports.
func (m *Module) grant(c ModuleConfig, needs []need, refuse refusal) error {
	var asks struct {
		ABI          int                  `json:"abi"`
		Capabilities []hostapi.Capability `json:"capabilities"`
		Optional     []hostapi.Capability `json:"optional"`
		Handles      []string             `json:"handles"`
	}
	if err := json.Unmarshal(m.manifest, &asks); err != nil {
		return refuse(abi.ExportDescribe, "its manifest is not what it should be: %v", err)
	}
	if asks.ABI != abi.Version {
		return refuse(abi.ExportDescribe, "it speaks version %d of the node ABI, this is version %d", asks.ABI, abi.Version)
	}
	for _, want := range slices.Concat(asks.Capabilities, asks.Optional) {
		if !slices.Contains(hostapi.Capabilities(), want) {
			return refuse("capabilities", "%q is none; there are %s", want, listed(hostapi.Capabilities()))
		}
	}
	for _, n := range needs {
		if slices.Contains(asks.Optional, n.capability) {
			continue
		}
		if !slices.Contains(asks.Capabilities, n.capability) {
			if m.described {
				return refuse("imports", "%s.%s needs the capability %s, for which its manifest does not ask", abi.HostModule, n.function, n.capability)
			}
			asks.Capabilities = append(asks.Capabilities, n.capability)
		}
		if !c.Grants.Has(n.capability) {
			return refuse("capabilities", "it needs %q: add `allow %s` to node %q", n.capability, n.capability, c.Type)
		}
	}
	m.grants = c.Grants.Only(slices.Concat(asks.Capabilities, asks.Optional))
	m.labels = make(map[string]string, len(asks.Handles))
	for _, handle := range asks.Handles {
		m.labels[handle] = handle
	}
	return nil
}

func listed(capabilities []hostapi.Capability) string {
	names := make([]string, len(capabilities))
	for i, c := range capabilities {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}
