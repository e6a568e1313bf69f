// Package sandbox runs WebAssembly nodes in instances restored to a Wizer-style snapshot by
// dirty-granule tracking (software write barrier), with deterministic fuel metering. It is a thin
// layer over wazero: a [Host] compiles, a [Module] is one node type of a compiled file, and
// [Module.Call] is one call within limits of memory, time, fuel and output.
//
// [Host.Load] checks a module's exports and their signatures, and its imports against those that
// the host offers and the operator grants. Then it runs one trial instance. So an unusable file is
// reported before any webhook needs it.
//
// A file can offer several node types, a family: [Host.LoadFamily] returns a Module for each. They
// share code, snapshot and instances. Grants, limits and prepared snapshots are those of each type.
//
// # Snapshots
//
// Every call begins with the same state, the snapshot: that of an instance that was started and
// warmed up when the module was loaded. Instances are pooled and restored to the snapshot after
// each call, whatever the call has done. The write barrier that package instrument adds marks the
// parts of memory that the call has written, and only those are copied back. The memory gets its
// size back, and the globals get their values. After a call that did not return normally, all of
// the memory is restored.
//
// Some modules cannot be restored from outside, for example because their code changes tables; see
// package instrument. Each of their calls gets a new instance, as does each call of a module whose
// snapshot is turned off. This is slow and certainly correct: tests compare the other ways with it.
//
// A module can be prepared for a node; see [Module.NewPrepared]. It then has a snapshot for the
// fixed part of that node's config, and the node's calls begin with that one. Prepared snapshots
// are a cache of limited size. Missing ones are made again.
//
// # The start of an instance
//
// Every start is the same, whatever call it is for: it has no grants, its clock stands at
// [hostapi.Epoch], and its random bytes follow from [Options.Seed] and the module. So the result of
// a call does not depend on when its instance was made.
//
// # The end of a call
//
// Package instrument puts counters into the module. After some 100,000 instructions the guest
// yields: it asks for memory that it cannot have. The host, on the goroutine of the call, then
// checks the time, the fuel and the caller's context. It lets the guest continue, or ends the call
// with a panic. The garbage collector gets its turn at that point as well, and after a millisecond
// so do other goroutines. No timer, goroutine or lock is needed for this. The host also checks how
// much stack the guest uses. wazero would let the stack grow to 80 MB; more than 18 MiB end the
// call. Package instrument counts the size of stack frames as well, so that large frames do not
// outrun these checks.
//
// The functions that guests import are in package hostapi. Package sandbox knows nothing of
// workflows.
package sandbox
