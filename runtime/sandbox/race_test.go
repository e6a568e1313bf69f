//go:build race

package sandbox

// heapTakes is the maximum of system memory per byte in Go's heap: the race detector needs shadow
// memory for it.
const heapTakes = 8
