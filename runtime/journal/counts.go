package journal

import (
	"context"
	"sync/atomic"
	"time"
)

// Counting is implemented by journals that count what happens, hour by hour. Counters include
// executions that are not recorded, and are read without reading records. A crash may lose the last
// seconds of them. See CountingOf.
type Counting interface {
	// CountEnded counts an execution that has ended. It neither waits nor does input or output.
	CountEnded(e EndedCount)

	// CountRejected counts a request that was rejected, by the code of its response. It neither
	// waits nor does input or output. At most MaxCountedCodes different codes are counted.
	CountRejected(code string, at time.Time)

	// Counts returns the counters of the last hours.
	Counts(ctx context.Context, q CountsQuery) (Counts, error)
}

// Bounds of what is counted.
const (
	// MaxCountedHours is how many hours are counted, the current one included.
	MaxCountedHours = 72
	// MaxCountedWorkflows is how many workflows are counted. Beyond it, those that ran least
	// recently are forgotten.
	MaxCountedWorkflows = 20_000
	// MaxCountedCodes is how many codes of rejections are counted.
	MaxCountedCodes = 64
)

// EndedCount is what is counted of an execution.
type EndedCount struct {
	Workflow, ID string
	Kept         *KeptCounts // of Workflow; nil = the journal looks its counters up
	Status       string      // one of the final ones; others are not counted
	EndedAt      time.Time
	Duration     time.Duration // 0 or less = it has not run
}

// KeptCounts is where a journal keeps the counters of a workflow for the next call of CountEnded:
// among those of thousands of workflows, looking them up by id takes longer than counting. It
// belongs to one workflow and one journal. Journals may leave it empty, as its zero value is.
type KeptCounts struct{ atomic.Value }

// CountsQuery selects counters.
type CountsQuery struct {
	Workflow string // an id, "" = all
	Hours    int    // 1 to MaxCountedHours
}

// Counts are counters of consecutive hours, of which the last one is not over.
type Counts struct {
	From       time.Time         // when the first hour began
	Workflows  []WorkflowCounts  // those that ran, sorted by id
	Rejections []RejectionCounts // of all workflows together, sorted by code
}

// WorkflowCounts are the executions of a workflow.
type WorkflowCounts struct {
	Workflow string
	Last     LastEnd
	// Median is about the middle one of the durations; 0 = none of them ran.
	Median time.Duration
	// Ended are the executions by final status and then by hour. A status that none has is missing.
	Ended map[string][]int
}

// LastEnd is the execution that ended last, also if that was before the hours of the query. It is
// known for 30 days.
type LastEnd struct {
	ID, Status string // "" = none is known
	EndedAt    time.Time
}

// RejectionCounts are the rejected requests by hour.
type RejectionCounts struct {
	Code   string
	Counts []int
}

// CountingOf returns the counters of a journal, or of the one that its method Unwrap() Journal
// returns; nil if it has none.
func CountingOf(j Journal) Counting { return find[Counting](j) }
