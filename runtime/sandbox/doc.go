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
// # The start of an instance
//
// Each start goes the same way, whatever call it is for: it has no grants, its clock stands at [hostapi.Epoch], and its random
// bytes follow from [Options.Seed] and the module. So what a call sees does not depend on when its instance was made.
//
// # The end of a call
//
// When its time is over or its context ends, a guest is stopped where its next function or round of a loop begins, and its
// instance is closed. wazero looks in loops only; the checks in functions are put into the module when it is loaded. A guest
// that calls itself without end may take about 100 MB for its stack, beside its memory, until it traps; wazero does not let that be
// set.
//
// It is not the host's interface to guests (package hostapi) and knows nothing of workflows.
package sandbox
