// Package hostapi is what the host offers to a node: the functions of module flowtrux_v1 (log,
// http, global_set, take) and a WASI (wasi_snapshot_preview1) of its own that keeps no state but
// that of the call: no arguments, no environment, no files. Each function checks the call's
// [Grants] itself; nothing is granted by default.
//
// It is not the sandbox: it neither compiles nor calls modules. The sandbox puts a [Session] into
// the context of a call (see [Session.Context]) and the functions find it there.
//
// All functions are registered as api.GoModuleFunc: wazero's reflection-based registration costs
// thirty times as much a call.
package hostapi
