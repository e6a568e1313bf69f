// Package abi defines the binary interface between FlowTrux Edge and a node module: the names that
// a module exports, the names that it may import, and how the result of a call is packed into one
// i64. Host and guests share the package, so it imports nothing.
//
// It is a stable API: it changes only with [Version].
//
// A node is a core WebAssembly module (a WASI reactor or free-standing) that exports
//
//	memory                    its linear memory
//	alloc(n i32) -> ptr i32   a buffer of n bytes for the next input; 0 = no memory
//	run(ptr, len i32) -> i64  one call: the input lies at ptr; returns a packed result
//	describe() -> i64         a packed result that holds the manifest (JSON)
//	_initialize()             optional, called once before everything else
//	warmup()                  optional, may be called once after _initialize, with nothing granted;
//	                          a call must not depend on it
//	prepare(ptr, len i32) -> i64  optional, see [ExportPrepare]
//
// A module can offer several node types: a family. Then describe returns a list of manifests,
// [MaxTypes] at most, each with a type of its own, and the module exports
//
//	run_type(type, ptr, len i32) -> i64      run for one of them: its index in the list
//	prepare_type(type, ptr, len i32) -> i64  prepare for one of them; needed if a manifest has fixed
//
// The result of describe alone decides which are used: an object means run and prepare, a list
// means run_type and prepare_type, even if it has one manifest. A module may export the others as
// well, since some compilers cannot leave them out.
//
// The node types of a family share nothing but the file: each call begins with the same state,
// whichever type the call before was for, and has only the capabilities of its own type.
//
// The input of run is the node's config as compact JSON with all templates resolved. There is no
// free: the host discards the memory of a call when it ends.
//
// The host provides the imports of module [HostModule] and wasi_snapshot_preview1.
package abi

// Version is the version of this interface. A module states in its manifest which one it
// implements.
const Version = 1

// Names of the exports of a node module.
const (
	ExportMemory     = "memory"
	ExportAlloc      = "alloc"
	ExportRun        = "run"
	ExportDescribe   = "describe"
	ExportInitialize = "_initialize"
	ExportWarmup     = "warmup"

	// ExportPrepare takes the fixed part of the config of one node of a workflow, before calls of
	// that node: an object with those of the manifest's "fixed" keys that the config has. It is
	// passed like run's input, in a buffer that calls reuse. Nothing is granted. Its result is an
	// Output, at least {}, or an error, which makes the config invalid. Calls of that node begin in
	// the state that prepare has left, and the input of run has the other keys alone.
	ExportPrepare = "prepare"

	// ExportRunType and ExportPrepareType take the place of ExportRun and ExportPrepare in a module
	// that offers several node types. Their first parameter is the index of the type in the list
	// that describe returns.
	ExportRunType     = "run_type"
	ExportPrepareType = "prepare_type"
)

// MaxTypes is the maximum number of node types that a module can offer.
const MaxTypes = 32

// MaxTypeName is the maximum length of a node type's name, in bytes.
const MaxTypeName = 64

// ValidTypeName reports whether a node type can have this name: lower-case letters, digits and
// hyphens, at most MaxTypeName of them, a letter first.
func ValidTypeName(name string) bool {
	if name == "" || len(name) > MaxTypeName || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// HostModule is the module name of the host's functions.
const HostModule = "flowtrux_v1"

// Names of the host's functions. Those that return bytes return the length n >= 1 of a reply that
// the host holds for this call; [ImportTake] copies exactly these n bytes to ptr and drops them.
// The first byte of a reply is its [Kind]. The rest is the payload, packed like the result of a run
// of that kind. A later reply replaces one that was not taken.
const (
	ImportLog = "log" // log(level, ptr, len i32): a line of the node's log
	// http(ptr, len i32) -> n i32: request JSON in, response JSON held
	ImportHTTP = "http"
	// global_set(kptr, klen, vptr, vlen i32) -> n i32: holds an empty Output or an error
	ImportGlobalSet = "global_set"
	// global_get(kptr, klen i32) -> n i32: holds an Output, the value, empty when there is none; or
	// an error
	ImportGlobalGet = "global_get"
	// global_add(kptr, klen i32, by i64) -> n i32: holds an Output, the sum, or an error
	ImportGlobalAdd = "global_add"
	ImportTake      = "take" // take(ptr i32)
)

// Levels of [ImportLog].
const (
	LogDebug = 0
	LogInfo  = 1
	LogWarn  = 2
	LogError = 3
)

// Kind is the kind of a result.
type Kind uint8

const (
	// Output: the payload is the output, one JSON value.
	Output Kind = 0
	// Routed: the payload is a label (the handle to follow) and the output.
	Routed Kind = 1
	// Error: the payload is a label (the error code, may be empty) and a message in UTF-8. The
	// node's retry rule applies.
	Error Kind = 2
	// Fatal: an Error that a retry cannot fix. It is not retried.
	Fatal Kind = 3
)

// A packed result is ptr<<32 | kind<<30 | len.
const (
	kindShift = 30
	// MaxLen is the maximum length of a payload, in bytes.
	MaxLen = 1<<kindShift - 1
)

// Pack packs a result. n must not exceed MaxLen.
func Pack(k Kind, ptr, n uint32) uint64 {
	return uint64(ptr)<<32 | uint64(k)<<kindShift | uint64(n)
}

// Unpack is the inverse of Pack.
func Unpack(r uint64) (k Kind, ptr, n uint32) {
	low := uint32(r)
	return Kind(low >> kindShift), uint32(r >> 32), low & MaxLen
}

// MaxLabel is the maximum length of a label (handle or error code), in bytes.
const MaxLabel = 255

// AppendLabel begins a payload of kind Routed, Error or Fatal: one byte with the label's length,
// then the label. A label longer than MaxLabel is cut.
func AppendLabel(dst []byte, label string) []byte {
	if len(label) > MaxLabel {
		label = label[:MaxLabel]
	}
	return append(append(dst, byte(len(label))), label...)
}

// SplitLabel is the inverse of AppendLabel. ok is false when the payload is truncated. Both results
// are views into payload.
func SplitLabel(payload []byte) (label, rest []byte, ok bool) {
	if len(payload) == 0 || len(payload)-1 < int(payload[0]) {
		return nil, nil, false
	}
	n := 1 + int(payload[0])
	return payload[1:n], payload[n:], true
}
