package sandbox

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// rejection returns the error of a module whose part is unusable for a reason.
type rejection func(part, reason string, args ...any) error

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
	{name: abi.ExportRun, params: []api.ValueType{i32, i32}, results: []api.ValueType{i64}, optional: true},
	{name: abi.ExportRunType, params: []api.ValueType{i32, i32, i32}, results: []api.ValueType{i64}, optional: true},
	{name: abi.ExportDescribe, results: []api.ValueType{i64}, optional: true},
	{name: abi.ExportInitialize, optional: true},
	{name: abi.ExportWarmup, optional: true},
	{name: abi.ExportPrepare, params: []api.ValueType{i32, i32}, results: []api.ValueType{i64}, optional: true},
	{name: abi.ExportPrepareType, params: []api.ValueType{i32, i32, i32}, results: []api.ValueType{i64}, optional: true},
}

func checkExports(code wazero.CompiledModule, command bool, pages uint32, limit uint64, reject rejection) error {
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
			return reject("exports", "no function %s%s; a node exports memory, alloc and run", e.name, want)
		case !slices.Equal(f.ParamTypes(), e.params) || !slices.Equal(f.ResultTypes(), e.results):
			return reject("exports", "%s is %s; it must be %s", e.name, signature(f.ParamTypes(), f.ResultTypes()), want)
		}
	}
	if !command && functions[abi.ExportRun] == nil && functions[abi.ExportRunType] == nil {
		return reject("exports", "no function %s(i32, i32) -> i64; a node exports memory, alloc and run", abi.ExportRun)
	}
	if _, ok := code.ExportedMemories()[abi.ExportMemory]; !ok {
		return reject("exports", "no memory named %s", abi.ExportMemory)
	}
	if size := uint64(pages) * wasmPage; size > limit {
		return reject("memory", "it begins with %d bytes, the limit is %d", size, limit)
	}
	return nil
}

// checkImports returns the capabilities that the imports need. All imports are functions; package
// instrument rejects others.
func checkImports(code wazero.CompiledModule, reject rejection) (needs []importNeed, err error) {
	offered := offeredFunctions()
	for _, f := range code.ImportedFunctions() {
		module, name, _ := f.Import()
		o, ok := offered[[2]string{module, name}]
		switch {
		case !ok:
			return nil, reject("imports", "%s.%s is not offered; offered are %s and %s", module, name, abi.HostModule, hostapi.WASI)
		case !slices.Equal(f.ParamTypes(), o.Params) || !slices.Equal(f.ResultTypes(), o.Results):
			return nil, reject("imports", "%s.%s is %s; it must be %s", module, name,
				signature(f.ParamTypes(), f.ResultTypes()), signature(o.Params, o.Results))
		case o.Needs != "":
			needs = append(needs, importNeed{o.Needs, name})
		}
	}
	return needs, nil
}

// offeredFunctions returns the host's functions by module and name.
func offeredFunctions() map[[2]string]hostapi.Function {
	all := make(map[[2]string]hostapi.Function)
	for _, f := range hostapi.Offered() {
		all[[2]string{f.Module, f.Name}] = f
	}
	return all
}

// importNeed is a capability that an import needs.
type importNeed struct {
	capability hostapi.Capability
	function   string
}

// signature formats a function's type: (i32, i32) -> i64.
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

// exportRun is the name of the function that runs calls: which one, describe decides.
func (f *file) exportRun() string {
	if f.family {
		return abi.ExportRunType
	}
	return abi.ExportRun
}

// exportPrepare is the name of the function that prepares instances.
func (f *file) exportPrepare() string {
	if f.family {
		return abi.ExportPrepareType
	}
	return abi.ExportPrepare
}

// checkEntries checks that the module exports the functions that the result of describe needs.
func (f *file) checkEntries(code wazero.CompiledModule, reject rejection) error {
	functions := code.ExportedFunctions()
	switch {
	case f.command:
	case f.family && functions[abi.ExportRunType] == nil:
		return reject("exports", "no function %s(i32, i32, i32) -> i64, which a list of node types (%s) needs", abi.ExportRunType, f.names())
	case !f.family && functions[abi.ExportRun] == nil:
		return reject("exports", "no function %s(i32, i32) -> i64: only a list of node types is run by %s", abi.ExportRun, abi.ExportRunType)
	case f.family && functions[abi.ExportPrepareType] == nil:
		for _, o := range f.offers {
			if len(o.asks.Fixed) > 0 {
				return reject("exports", "no function %s(i32, i32, i32) -> i64, which the fixed keys of the node type %q need", abi.ExportPrepareType, o.name)
			}
		}
	}
	return nil
}

// newModule makes the module of a node type. Its limits must be enough for its instances to start.
func (f *file) newModule(t typeChoice, inst *instantiator, needs []importNeed, reject rejection) (*Module, error) {
	o := &f.offers[t.index]
	l := f.limits
	l.Memory = min(l.Memory, cmp.Or(t.config.Limits.Memory, l.Memory)/wasmPage*wasmPage)
	l.Timeout, l.Output, l.Fuel = cmp.Or(t.config.Limits.Timeout, l.Timeout), cmp.Or(t.config.Limits.Output, l.Output), cmp.Or(t.config.Limits.Fuel, l.Fuel)
	if f.startSize > l.Memory {
		return nil, reject("memory", "it begins with %d bytes, the limit of the node type %q is %d", f.startSize, t.config.Type, l.Memory)
	}
	m := &Module{
		file: f, typ: t.config.Type, index: uint32(t.index), limits: l,
		memoryLimit: uint64(inst.layout.Base) + min(inst.limit, l.Memory), handleNames: make(map[string]string, len(o.asks.Handles)),
	}
	for _, handle := range o.asks.Handles {
		m.handleNames[handle] = handle
	}
	var err error
	m.grants, err = f.grant(o, t.config, needs, reject)
	return m, err
}

// grant returns the capabilities that both the manifest of a node type asks for and the operator
// allows. It fails if a capability that an import needs is missing. Without others, such as the
// real clock, a module can run. A module without describe asks for what it imports. In a family,
// an import is there for the types that ask for its capability, and refused to the others.
func (f *file) grant(o *offer, c TypeConfig, needs []importNeed, reject rejection) (hostapi.Grants, error) {
	wanted := o.asks.Capabilities
	for _, n := range needs {
		if slices.Contains(o.asks.Optional, n.capability) {
			continue
		}
		if !slices.Contains(wanted, n.capability) {
			switch {
			case !f.described:
				wanted = append(wanted, n.capability)
			case f.asksFor(n.capability):
				continue
			case f.family:
				return hostapi.Grants{}, reject("imports", "%s.%s needs the capability %s, for which none of its manifests asks", abi.HostModule, n.function, n.capability)
			default:
				return hostapi.Grants{}, reject("imports", "%s.%s needs the capability %s, for which its manifest does not ask", abi.HostModule, n.function, n.capability)
			}
		}
		if !c.Grants.Has(n.capability) {
			if c.Offered != "" {
				return hostapi.Grants{}, reject("capabilities", "the node type %q needs %q: add `type %s { allow %s }` to its `nodes`", c.Type, n.capability, c.Offered, n.capability)
			}
			return hostapi.Grants{}, reject("capabilities", "it needs %q: add `allow %s` to node %q", n.capability, n.capability, c.Type)
		}
	}
	return c.Grants.Only(slices.Concat(wanted, o.asks.Optional)), nil
}

// asksFor reports whether one of the file's node types asks for a capability.
func (f *file) asksFor(c hostapi.Capability) bool {
	return slices.ContainsFunc(f.offers, func(o offer) bool {
		return slices.Contains(o.asks.Capabilities, c) || slices.Contains(o.asks.Optional, c)
	})
}

func listed(capabilities []hostapi.Capability) string {
	names := make([]string, len(capabilities))
	for i, c := range capabilities {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}
