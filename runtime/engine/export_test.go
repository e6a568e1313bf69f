package engine

// This file exports internals to tests outside the package.
const (
	MaxUnlocked = maxUnlocked
	MaxLogLines = maxLogLines
)

// MemoryUsed returns the bytes that are counted in the execution's memory budget.
func (x *Execution) MemoryUsed() int64 { return x.memory.used.Load() }

// References returns the number of references to the node types.
func (n *Nodes) References() int64 { return n.refs.Load() }
