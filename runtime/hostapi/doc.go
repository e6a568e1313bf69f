// Package hostapi implements the host functions that a guest module may import: module flowtrux_v1
// (log, http, global_set, global_get, global_add, take) and a minimal WASI preview 1
// (wasi_snapshot_preview1) without arguments, environment or files. No state outlives a call. Each
// function checks the call's [Grants] itself; nothing is granted by default.
//
// Package sandbox compiles and calls modules. It puts a [Session] into the context of each call
// (see [Session.Context]), where the functions find it.
//
// All functions are registered as api.GoModuleFunc. A call through wazero's reflection-based
// registration costs thirty times as much.
package hostapi
