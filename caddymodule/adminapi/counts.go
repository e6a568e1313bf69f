package adminapi

import "time"

// Counts is the response of GET counts: what has ended, and what was rejected, in consecutive
// hours. The last one is the current hour. Executions count that are not recorded, too.
type Counts struct {
	From       time.Time         `json:"from"` // when the first hour began
	Hours      int               `json:"hours"`
	Workflows  []WorkflowCounts  `json:"workflows"`  // those that have run, sorted by id
	Rejections []RejectionCounts `json:"rejections"` // of all workflows together, sorted by code
}

// WorkflowCounts are the executions of a workflow that have ended, by status and hour. A status
// that none has is left out.
type WorkflowCounts struct {
	ID string `json:"id"`
	// Last is the execution that ended last, maybe before the first hour. It is known for 30 days.
	Last *LastExecution `json:"last,omitempty"`
	// Median is about the middle one of the durations of executions that ran; 0 = there are none.
	Median    time.Duration `json:"p50Ns,omitempty"`
	Succeeded []int         `json:"succeeded,omitempty"`
	Failed    []int         `json:"failed,omitempty"`
	Cancelled []int         `json:"cancelled,omitempty"`
	TimedOut  []int         `json:"timed_out,omitempty"`
}

// LastExecution is the execution of a workflow that ended last.
type LastExecution struct {
	ID      string    `json:"id"`
	Status  string    `json:"status"`
	EndedAt time.Time `json:"endedAt"`
}

// RejectionCounts are the requests that were rejected with an error code, by hour.
type RejectionCounts struct {
	Code   string `json:"code"`
	Counts []int  `json:"counts"`
}
