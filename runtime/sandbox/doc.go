// Package sandbox runs nodes: WebAssembly modules compiled once and called in instances that know nothing of any call
// before. It is a thin layer over wazero with few types: a [Host] compiles, a [Module] is one compiled node, [Module.Call]
// is one call within limits of memory, time and output.
//
// It checks a module when it is loaded (exports, signatures, imports against what is offered and granted, one trial
// instance), so that what can be wrong with a file is said before any webhook needs it.
//
// Every call gets a fresh instance: instantiated, initialized, called once, closed. That is the slow way and certainly the
// right one; the type instances is where a faster way of making instances goes.
//
// It is not the host's interface to guests (package hostapi) and knows nothing of workflows.
package sandbox
