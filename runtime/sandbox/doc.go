// Package sandbox runs nodes: WebAssembly modules compiled once and called in instances that know
// nothing of any call before. It is a thin layer over wazero with few types: a [Host] compiles, a
// [Module] is one compiled node, [Module.Call] is one call within limits of memory, time and
// output.
//
// It checks a module when it is loaded (exports, signatures, imports against what is offered and
// granted, one trial instance), so that what can be wrong with a file is said before any webhook
// needs it.
//
// # A call's instance
//
// Every call begins with the same state: that of an instance that was started and warmed up when
// the module was loaded, the image. Instances are kept in a pool and put back to the image after
// each call, whatever the call has done: the parts of memory that it has marked as written are
// copied back (package instrument makes it do so), the memory gets its size, the globals their
// values. After a call that ended otherwise than by returning, all of the memory is. What cannot be
// put back from outside (tables that code changes, and the like, see package instrument) or was
// told not to be gets a new instance for each call, which is the slow way and certainly the right
// one: it is what tests compare the others with.
//
// A module can be prepared for a node, see [Module.Prepared]: then it has an image for what is
// fixed in that node's config, and calls of the node begin with that one. Such images are a cache
// of bounded size, made anew when they are missing.
//
// # The start of an instance
//
// Each start goes the same way, whatever call it is for: it has no grants, its clock stands at
// [hostapi.Epoch], and its random bytes follow from [Options.Seed] and the module. So what a call
// sees does not depend on when its instance was made.
//
// # The end of a call
//
// Package instrument has put counters into the module. When some 100,000 instructions were run, the
// guest asks for memory that it cannot have, and the host, on the goroutine of the call, looks at
// the time, the budget of fuel and the caller's context: it lets the guest go on, or ends the call
// with a panic. That is also when the garbage collector has its turn and, after a millisecond,
// whatever else could run. No timer, no goroutine and no lock is needed for it. It also looks at
// how much the guest has on its stack, which wazero lets grow to 80 MB: more than 18 MiB are too
// much. Package instrument counts what frames may take as well, so that large ones do not outrun
// these looks.
//
// It is not the host's interface to guests (package hostapi) and knows nothing of workflows.
package sandbox
