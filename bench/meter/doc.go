// Package meter reads the CPU time and the memory of a process, and the counters of Go's runtime.
// For its servers, the bench reads CPU time and memory from the kernel and the counters from an
// endpoint of the server.
package meter
