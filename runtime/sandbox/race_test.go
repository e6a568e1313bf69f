//go:build race

package sandbox

// heapTakes is how much the system gives at most for a byte in Go's heap: the race detector keeps a
// shadow of it.
const heapTakes = 8
