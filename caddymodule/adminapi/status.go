package adminapi

import "time"

// Status is the response of GET status.
type Status struct {
	Version    string          `json:"version"` // of FlowTrux Edge; "(devel)" = a build without one
	Durability string          `json:"durability"`
	Store      StoreStatus     `json:"store"`
	Journal    JournalStatus   `json:"journal"`
	Executions ExecutionStatus `json:"executions"`
	Sandbox    SandboxStatus   `json:"sandbox"`
	Workflows  WorkflowStatus  `json:"workflows"`
	// Troubles are what an operator or author must fix, worst first.
	Troubles []Trouble `json:"troubles"`
	// Warnings are about documents and secrets that serve and would be rejected if they were stored
	// today, and about machines that share the journal and differ.
	Warnings []Trouble `json:"warnings"`
	// Ready reports whether webhooks are served: the store's content has been loaded. Some of its
	// documents may still be being prepared.
	Ready bool `json:"ready"`
	// Preparing are the ids of the workflows whose newest document is being prepared, sorted.
	Preparing []string `json:"preparing"`
	// Endpoints are where the running config takes webhooks.
	Endpoints []Endpoint `json:"endpoints"`
	Started   time.Time  `json:"started"` // when the process has started
	// Machines are those that share the journal, sorted by name. None = the journal is of this one
	// alone, or cannot be read.
	Machines []MachineStatus `json:"machines,omitempty"`
}

// MachineStatus is a machine that shares the journal.
type MachineStatus struct {
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Self     bool      `json:"self"`     // it is the one that was asked
	LastSeen time.Time `json:"lastSeen"` // when it last showed that it lives
	Claims   int       `json:"claims"`   // the executions that it works on
}

// Endpoint is a handler of webhooks in a site.
type Endpoint struct {
	Prefix string   `json:"prefix"` // of the paths; the id of a workflow follows
	Listen []string `json:"listen"` // the addresses of its server, such as ":8080"
	// Hosts are those to which its site is limited. None = all, or not known.
	Hosts []string `json:"hosts,omitempty"`
	TLS   bool     `json:"tls"`
}

// StoreStatus is the store's part of Status.
type StoreStatus struct {
	Engine   string    `json:"engine"`
	State    string    `json:"state"`
	Revision int64     `json:"revision"`
	Since    time.Time `json:"since"` // when it got into this state
	Error    string    `json:"error,omitempty"`
}

// JournalStatus is the journal's part of Status. It counts accepted executions, which no request
// waits for.
type JournalStatus struct {
	Pending int `json:"pending"`
	Running int `json:"running"`
	// when the oldest pending one was accepted
	Oldest          *time.Time `json:"oldest,omitempty"`
	Bytes           int64      `json:"bytes,omitempty"`    // used
	MaxBytes        int64      `json:"maxBytes,omitempty"` // limit of Bytes; 0 = none
	DiskFree        *int64     `json:"diskFree,omitempty"` // in bytes; nil = not known
	WritesPerSecond float64    `json:"writesPerSecond"`    // over the last seconds
	NotRecorded     uint64     `json:"notRecorded"`        // executions that ended without a record
}

// ExecutionStatus counts execution slots.
type ExecutionStatus struct {
	InUse int `json:"inUse"`
	Limit int `json:"limit"` // limits.executions
}

// SandboxStatus is the memory of all sandboxes, in bytes.
type SandboxStatus struct {
	Memory  int64 `json:"memory"`
	Limit   int64 `json:"limit"`   // limits.sandbox_memory
	Waiting int64 `json:"waiting"` // calls of nodes that wait for memory
}

// WorkflowStatus counts workflows by state. An inactive one counts as Inactive when it is valid.
type WorkflowStatus struct {
	Serving   int `json:"serving"`
	Inactive  int `json:"inactive"`
	Stale     int `json:"stale"`
	Invalid   int `json:"invalid"`
	Preparing int `json:"preparing"`
}

// Trouble is something to fix.
type Trouble struct {
	Where  string `json:"where"`          // "store", "journal", or a key of the store
	Path   string `json:"path,omitempty"` // where in the document
	Reason string `json:"reason"`
}
