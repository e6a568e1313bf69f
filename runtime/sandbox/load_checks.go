package sandbox

import (
	"encoding/json"
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
	{name: abi.ExportRun, params: []api.ValueType{i32, i32}, results: []api.ValueType{i64}},
	{name: abi.ExportDescribe, results: []api.ValueType{i64}, optional: true},
	{name: abi.ExportInitialize, optional: true},
	{name: abi.ExportWarmup, optional: true},
	{name: abi.ExportPrepare, params: []api.ValueType{i32, i32}, results: []api.ValueType{i64}, optional: true},
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

// grant gives the module the capabilities that both its manifest asks for and the operator allows.
// It fails if a capability that an import needs is missing. Without others, such as the real clock,
// a module can run. A module without describe asks for what it imports.
func (m *Module) grant(c ModuleConfig, needs []importNeed, reject rejection) error {
	var asks struct {
		ABI          int                  `json:"abi"`
		Capabilities []hostapi.Capability `json:"capabilities"`
		Optional     []hostapi.Capability `json:"optional"`
		Handles      []string             `json:"handles"`
	}
	if err := json.Unmarshal(m.manifest, &asks); err != nil {
		return reject(abi.ExportDescribe, "its manifest is invalid: %v", err)
	}
	if asks.ABI != abi.Version {
		return reject(abi.ExportDescribe, "it speaks version %d of the node ABI, this is version %d", asks.ABI, abi.Version)
	}
	for _, want := range slices.Concat(asks.Capabilities, asks.Optional) {
		if !slices.Contains(hostapi.Capabilities(), want) {
			return reject("capabilities", "%q is unknown; known are %s", want, listed(hostapi.Capabilities()))
		}
	}
	for _, n := range needs {
		if slices.Contains(asks.Optional, n.capability) {
			continue
		}
		if !slices.Contains(asks.Capabilities, n.capability) {
			if m.described {
				return reject("imports", "%s.%s needs the capability %s, for which its manifest does not ask", abi.HostModule, n.function, n.capability)
			}
			asks.Capabilities = append(asks.Capabilities, n.capability)
		}
		if !c.Grants.Has(n.capability) {
			return reject("capabilities", "it needs %q: add `allow %s` to node %q", n.capability, n.capability, c.Type)
		}
	}
	m.grants = c.Grants.Only(slices.Concat(asks.Capabilities, asks.Optional))
	m.handleNames = make(map[string]string, len(asks.Handles))
	for _, handle := range asks.Handles {
		m.handleNames[handle] = handle
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
