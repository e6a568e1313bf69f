//go:build !race

package sandbox

// heapTakes is the maximum of system memory per byte in Go's heap.
const heapTakes = 1
