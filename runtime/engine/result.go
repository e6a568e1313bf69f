package engine

import "time"

// Status of an execution.
type Status string

// The statuses. A Result has one of the last four.
const (
	Pending   Status = "pending"   // accepted, not begun
	Running   Status = "running"   // begun, not ended
	Succeeded Status = "succeeded" // each node that ran has completed
	Failed    Status = "failed"    // a node failed and nothing in the workflow handled it
	Cancelled Status = "cancelled" // ended from outside
	TimedOut  Status = "timed_out" // ended by a time limit of the whole execution
)

// NodeState is how a node ended.
type NodeState uint8

// The node states.
const (
	NotRun     NodeState = iota // the execution ended before its turn
	Completed                   // has an output (also after a handled failure)
	NodeFailed                  // failed unhandled, or was cut off by the end of the execution
	Skipped                     // no incoming edge was taken
	Stopped                     // a node before it failed unhandled
)

// String names the state as records show it.
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
	Output   []byte     // raw JSON when Completed, never changed
	Handle   string     // of the edges that are taken when Completed, "" = success
	Err      *NodeError // why the node failed, handled or not
	Attempts int        // calls that were made, of all items together; 0 when it did not run here
	Fuel     uint64     // that these calls have burnt, see hostapi.Session
	Started  time.Time
	Duration time.Duration
}

// Result is a finished execution. It is immutable.
type Result struct {
	ID     string
	Status Status
	Nodes  []NodeResult // by plan order, like Plan.Nodes
	// index of the first node, in plan order, whose state is NodeFailed; -1 = none
	Failing  int
	Fuel     uint64 // that these calls have burnt, see hostapi.Session
	Started  time.Time
	Duration time.Duration

	// Interrupted tells of a Cancelled one that is the journal's: as long as that is kept it goes
	// on later, here or in another process.
	Interrupted bool
}

// Last is the index of the last executed node: of those that completed, the last in plan order. The
// trigger always completes, so there is one.
func (r *Result) Last() int {
	for i := len(r.Nodes) - 1; i > 0; i-- {
		if r.Nodes[i].State == Completed {
			return i
		}
	}
	return 0
}
