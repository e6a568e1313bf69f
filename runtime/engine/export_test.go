package engine

// What tests outside the package need of its inside.
const (
	MaxUnlocked = maxUnlocked
	MaxLogLines = maxLogLines
)

// MemoryUsed returns the bytes that are counted in the execution's memory budget.
func (x *Execution) MemoryUsed() int64 { return x.memory.used.Load() }

// References returns how many references there are on the node types.
func (n *Nodes) References() int64 { return n.refs.Load() }
