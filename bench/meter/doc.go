// Package meter reads what a process has used: its CPU time, its memory, and what Go's runtime
// counts. The bench reads its own and, of the servers that it has started, CPU and memory from the
// kernel and the rest from an endpoint of theirs.
package meter
