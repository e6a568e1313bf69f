package journal

import "time"

// The statuses of a Record. All but the first two are final.
const (
	Pending   = "pending"
	Running   = "running"
	Succeeded = "succeeded"
	Failed    = "failed"
	Cancelled = "cancelled"
	TimedOut  = "timed_out"
)

// SourceConsole is the source of executions that a console has sent.
const SourceConsole = "console"

// Statuses returns all statuses, in the order in which an execution can have them.
func Statuses() []string {
	return []string{Pending, Running, Succeeded, Failed, Cancelled, TimedOut}
}

// Record is what is shown of an execution. Its values were masked and truncated by the recorder; it
// is not what an execution is run from.
type Record struct {
	Summary
	Trigger *Trigger `json:"trigger,omitempty"` // nil = not recorded
	// in plan order; none if the execution has not ended
	Nodes []NodeRecord `json:"nodes,omitempty"`
	// recording took too much work: the values of the last nodes are marked Cut
	Cut bool `json:"cut,omitempty"`
}

// Summary is a Record's row in a list.
type Summary struct {
	ID         string    `json:"id"`
	Workflow   string    `json:"workflow"`
	Revision   int64     `json:"revision"`
	Mode       string    `json:"mode,omitempty"` // the response mode
	AcceptedAt time.Time `json:"acceptedAt"`
	StartedAt  time.Time `json:"startedAt,omitzero"` // zero = it did not run
	EndedAt    time.Time `json:"endedAt,omitzero"`
	ReplayOf   string    `json:"replayOf,omitempty"`
	Source     string    `json:"source,omitempty"` // see Entry.Source
	// Machine is the one that has taken the request, if several share the journal.
	Machine string `json:"machine,omitempty"`
	Outcome
}

// Outcome is how an execution ended.
type Outcome struct {
	Status string `json:"status"`
	Node   string `json:"node,omitempty"` // the id of the failing node, "" = none
	// why it failed: a code of the engine or of the node
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"` // for humans; masked and short
}

// Trigger is the event that started an execution.
type Trigger struct {
	Data       Value     `json:"data"`
	Headers    Value     `json:"headers,omitzero"`
	Method     string    `json:"method,omitempty"`
	ClientIP   string    `json:"clientIp,omitempty"`
	ReceivedAt time.Time `json:"receivedAt"`
}

// NodeRecord is one node's part of a Record.
type NodeRecord struct {
	ID    string `json:"id"`
	Type  string `json:"type,omitempty"`
	State string `json:"state"`
	// Machine is the one that ran it, if it is another one than that of the Summary.
	Machine   string        `json:"machine,omitempty"`
	Handle    string        `json:"handle,omitempty"`
	Attempts  int           `json:"attempts,omitempty"`
	StartedAt time.Time     `json:"startedAt,omitzero"`
	Duration  time.Duration `json:"durationNs,omitempty"`
	Why       string        `json:"why,omitempty"` // why it did not run
	// its resolved config; with forEach, an array with that of each item
	Input Value `json:"input,omitzero"`
	// the config that its module was prepared with; none = it was not prepared
	Fixed Value `json:"fixed,omitzero"`
	// its result; of a handled error, what dependents see of it
	Output  Value    `json:"output,omitzero"`
	Logs    []string `json:"logs,omitempty"` // the lines it has logged
	Fuel    uint64   `json:"fuel,omitempty"`
	Code    string   `json:"code,omitempty"`
	Message string   `json:"message,omitempty"`
	// more about the error, for operators; may have several lines
	Detail string   `json:"detail,omitempty"`
	Grants []string `json:"grants,omitempty"` // the permissions it had
	// Calls are its calls by item and attempt. None means that it was called once, at StartedAt,
	// used no random numbers and made no host calls.
	Calls    []Call `json:"calls,omitempty"`
	CallsCut bool   `json:"callsCut,omitempty"` // there were more calls than are recorded
}

// Call is one call of a node: everything, in addition to the input, that determines its result; and
// why it failed.
type Call struct {
	Item    int       `json:"item,omitempty"` // of forEach
	Attempt int       `json:"attempt"`        // from 1
	Start   time.Time `json:"start"`          // the time on its clock
	// how long it took, without the wait before the next attempt
	Duration time.Duration `json:"durationNs,omitempty"`
	// of its random numbers, none = it used none; other calls' numbers do not follow from it
	Seed    []byte     `json:"seed,omitempty"`
	Live    bool       `json:"live,omitempty"` // it has used the real clock or real randomness
	Fuel    uint64     `json:"fuel,omitempty"`
	Host    []HostCall `json:"host,omitempty"` // in order
	Code    string     `json:"code,omitempty"` // "" = it did not fail
	Message string     `json:"message,omitempty"`
}

// HostCall is a call of the host by a node.
type HostCall struct {
	Function string `json:"function"` // http, global_set, global_get or global_add
	Request  Value  `json:"request"`
	// the host's result; none for global_set, for a global_get that found nothing, and after a
	// failure
	Answer  Value  `json:"answer,omitzero"`
	Code    string `json:"code,omitempty"` // why it failed
	Message string `json:"message,omitempty"`
	Fatal   bool   `json:"fatal,omitempty"` // a retry cannot succeed
}

// Value is a JSON value as a record shows it: its text or, if it is too long, its size and digest.
type Value struct {
	Text string `json:"text,omitempty"` // raw JSON
	Size int    `json:"size,omitempty"` // in bytes, when Text is missing
	// SHA256 is in hex, when Text is missing; "" = too long to read all of it.
	SHA256 string `json:"sha256,omitempty"`
	Masked bool   `json:"masked,omitempty"` // parts of it are hidden because they are secret
	// it was not recorded, because recording took too much work before
	Cut bool `json:"cut,omitempty"`
}

// Ended is an execution that was not in the journal while it ran.
type Ended struct {
	Record *Record
	Source *Entry // what it can be rerun from; without Steps and Key
}
