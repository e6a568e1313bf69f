//go:build !race

package sandbox

// heapTakes is how much the system gives at most for a byte in Go's heap.
const heapTakes = 1
