package adminapi

import "github.com/flowtrux/edge/runtime/journal"

// Executions is the response of GET executions: one page. GET executions/{id} returns a
// journal.Record.
type Executions struct {
	Executions []journal.Summary `json:"executions"` // the newest first
	// Next is the cursor of the next page; "" = this is the last one.
	Next string `json:"next,omitempty"`
}

// Rerun is the response of POST executions/{id}/replay.
type Rerun struct {
	ID       string `json:"id"`       // the new execution
	ReplayOf string `json:"replayOf"` // the execution that is run again
}

// Cancelled is the response of POST executions/{id}/cancel.
type Cancelled struct {
	ID string `json:"cancelled"`
}
