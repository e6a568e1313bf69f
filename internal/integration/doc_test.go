// Package integration tests the complete system: a real Caddy in this process with real stores,
// real WebAssembly nodes and real HTTP. Caddy is global to a process, so these tests share one
// package and do not run in parallel.
package integration
