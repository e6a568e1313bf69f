package journal

import "time"

// Entry is an accepted execution: everything that is needed to run it. After it was given to a
// Journal or taken from a Lease, neither it nor its bytes may be changed.
type Entry struct {
	// ID is "exec-" and a lower-case ULID, which sorts by time. Engines may use it to order what
	// they store.
	ID         string
	Workflow   string    // its id
	Revision   int64     // the store's revision of Document; 0 when it came from a file
	Document   []byte    // the workflow's document of that revision, without secrets
	AcceptedAt time.Time // when the sender got the promise that it runs
	ReplayOf   string    // the execution that it reruns, "" = none
	// Source is what has sent the event, such as SourceConsole; "" = a sender of webhooks. It is
	// for records and not for reruns: Records.Source leaves it out.
	Source string

	// The trigger's event, as flow.Event.
	Data, Query, Headers []byte
	Method, ClientIP     string
	ReceivedAt           time.Time

	// Trace is the place of the execution in a distributed trace; zero = none. Each run of it is
	// traced there, and so are its reruns.
	Trace TraceContext

	// Steps are the completed nodes, in the order of their checkpoints. A new entry has none; an
	// adopted one may have some.
	Steps []Step

	// Key is the idempotency key that is reserved together with the acceptance; nil = none. Its
	// Response must be set. Entries that the journal returns have none.
	Key *Key

	// Deaths is how often a process died while it worked on the entry. It is set in claimed
	// entries.
	Deaths int

	// Began is when the first run of the entry began, see Lease.Begin; zero = none has. It is set
	// in claimed entries, and by those who adopt one.
	Began time.Time
}

// Complete sets the fields of an ended execution's summary that its entry decides.
func (e *Entry) Complete(s *Summary) {
	s.ID, s.Workflow, s.Revision = e.ID, e.Workflow, e.Revision
	s.AcceptedAt, s.ReplayOf, s.Source = e.AcceptedAt, e.ReplayOf, e.Source
	if s.EndedAt.IsZero() {
		s.EndedAt = time.Now().UTC()
	}
}

// MaxTraceState is the most bytes in the State of a TraceContext.
const MaxTraceState = 512

// TraceContext is a place in a distributed trace, as in W3C Trace Context.
type TraceContext struct {
	TraceID [16]byte // zero = there is no trace
	SpanID  [8]byte  // of the span below it; zero = none
	Flags   byte     // trace-flags, of which bit 0 means that the trace is sampled
	State   string   // tracestate, at most MaxTraceState bytes
}

// Step is a completed node.
type Step struct {
	Node   string // its id
	Output []byte // raw JSON
	Handle string // the handle it has chosen, "" = success
}

// MaxKey is the most bytes in the text of a Key.
const MaxKey = 255

// Key is an idempotency key: two requests with the same key for the same workflow start only one
// execution.
type Key struct {
	Text   string   // at most MaxKey bytes
	Digest [32]byte // of the request's body: a key belongs to one body
	Until  time.Time
	// Response is the response that duplicates get, encoded by the caller; nil while the execution
	// runs. Journals store it as long as there is room for it, and then return an empty one in its
	// place.
	Response []byte
}

// Reservation is a key of an execution that a sender waits for.
type Reservation struct {
	ID, Workflow string
	Key          Key // without a Response
}
