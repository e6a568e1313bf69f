// Package integration runs the whole thing: a real Caddy in this process with real stores, real
// wasm nodes and real HTTP. Caddy is global to a process, so these tests have one package and do
// not run in parallel.
package integration
