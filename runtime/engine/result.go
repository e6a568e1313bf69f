package engine

import "time"

// Status is the status of an execution.
type Status string

// Statuses. A Result has one of the last four.
const (
	Pending   Status = "pending"   // accepted, not started
	Running   Status = "running"   // started, not ended
	Succeeded Status = "succeeded" // each node that ran completed
	Failed    Status = "failed"    // a node failed and nothing in the workflow handled it
	Cancelled Status = "cancelled" // ended from outside
	TimedOut  Status = "timed_out" // ended by a time limit of the whole execution
)

// NodeState is the state in which a node ended.
type NodeState uint8

// Node states.
const (
	NotRun     NodeState = iota // the execution ended before its turn
	Completed                   // has an output (also after a handled failure)
	NodeFailed                  // failed unhandled, or was interrupted by the end of the execution
	Skipped                     // no incoming edge was taken
	Stopped                     // a node before it failed unhandled
)

// String returns the state as records show it.
func (s NodeState) String() string {
	switch s {
	case Completed:
		return "completed"
	case NodeFailed:
		return "failed"
	case Skipped:
		return "skipped"
	case Stopped:
		return "stopped"
	default:
		return "not_run"
	}
}

// NodeResult is one node's part of a Result.
type NodeResult struct {
	State    NodeState
	Output   []byte     // raw JSON if Completed; never changed
	Handle   string     // of the edges that are taken if Completed; "" = success
	Err      *NodeError // why the node failed, handled or not
	Attempts int        // calls of all items together; 0 = it did not run here
	Fuel     uint64     // that these calls used, see hostapi.Session
	Started  time.Time
	Duration time.Duration
}

// Result is a finished execution. It is immutable.
type Result struct {
	ID     string
	Status Status
	Nodes  []NodeResult // by plan order, like Plan.Nodes
	// index of the first node in plan order whose state is NodeFailed; -1 = none
	Failing  int
	Fuel     uint64 // of all calls, see hostapi.Session
	Started  time.Time
	Duration time.Duration

	// Interrupted means that a Cancelled execution is still in the journal. It continues later,
	// here or in another process, as long as the journal has it.
	Interrupted bool
}

// Last returns the index of the last completed node, in plan order. The trigger always completes,
// so there is one.
func (r *Result) Last() int {
	for i := len(r.Nodes) - 1; i > 0; i-- {
		if r.Nodes[i].State == Completed {
			return i
		}
	}
	return 0
}
