package adminapi

// The states of a workflow.
const (
	StateServing   = "serving"   // its newest document serves
	StateStale     = "stale"     // its newest document is invalid, an older one serves
	StateInvalid   = "invalid"   // its document is invalid, and none serves
	StatePreparing = "preparing" // its newest document is being prepared
)

// What GET workflows can select by besides states: see WorkflowStates.
const (
	StateInactive = "inactive"  // its document says that it takes no webhooks
	StateNoSecret = "no_secret" // none is live, so that all its webhooks are rejected
)

// WorkflowStates returns the values of the parameter state of GET workflows. With StateServing the
// list has those that serve and are active.
func WorkflowStates() []string {
	return []string{StateServing, StateStale, StateInvalid, StatePreparing, StateInactive, StateNoSecret}
}

// The triggers of a workflow.
const (
	TriggerWebhook = "webhook"
	TriggerManual  = "manual"
)

// Workflows is the response of GET workflows: one page if the request has a limit.
type Workflows struct {
	Workflows []Workflow `json:"workflows"` // sorted by id
	// Next is the cursor of the next page; "" = this is the last one.
	Next string `json:"next,omitempty"`
}

// Workflow is one row of Workflows. GET workflows/{id} returns the document instead.
type Workflow struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Active   bool   `json:"active"`
	Trigger  string `json:"trigger,omitempty"` // of the version that serves, as are Name and Mode
	Mode     string `json:"mode,omitempty"`    // how senders of webhooks are answered
	Nodes    int    `json:"nodes,omitempty"`   // of the version that serves, with the trigger
	Scheme   string `json:"scheme,omitempty"`  // how its webhooks are signed
	Revision int64  `json:"revision"`          // of the newest document
	Serving  int64  `json:"serving"`           // the revision that serves; 0 = none
	State    string `json:"state"`
	Secrets  int    `json:"secrets"` // how many are live
	// Problems are the mistakes in the newest document.
	Problems []Problem `json:"problems,omitempty"`
	// Warnings are about a document that serves and would be rejected if it were stored today.
	Warnings []Problem `json:"warnings,omitempty"`

	SecretProblem string `json:"secretProblem,omitempty"` // what is wrong with its secret
	PrepareFuel   uint64 `json:"prepareFuel,omitempty"`   // used to prepare the version that serves
}

// StoredWorkflow is the response of PUT workflows and PUT workflows/{id}.
type StoredWorkflow struct {
	ID          string `json:"id"`
	PrepareFuel uint64 `json:"prepareFuel"` // used to prepare it
	Revision    int64  `json:"revision"`
	// SecretMoved reports whether a webhook.secret, that of the document or else of the one that it
	// replaces, became the workflow's secret.
	SecretMoved bool `json:"secretMoved"`
}

// Validation is the response of POST validate. An invalid document has Problems and nothing else.
type Validation struct {
	ID          string    `json:"id,omitempty"`
	Nodes       int       `json:"nodes,omitempty"`
	PrepareFuel *uint64   `json:"prepareFuel,omitempty"` // used to prepare it
	Problems    []Problem `json:"problems,omitempty"`
	Valid       bool      `json:"valid"`
}
