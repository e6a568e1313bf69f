package journal

import "time"

// Entry is an accepted execution: all that is needed to run it. Nobody changes it or the bytes it
// holds once it was given to a Journal or taken from a Lease.
type Entry struct {
	// ID is "exec-" and a lower-case ULID, which sorts by time. Engines may place what they keep by
	// it.
	ID         string
	Workflow   string    // its id
	Revision   int64     // the store's revision of Document; 0 when it came from a file
	Document   []byte    // the workflow's document of that revision, without secrets
	AcceptedAt time.Time // when the sender was promised that it runs
	ReplayOf   string    // the execution that it repeats, "" = none

	// The trigger's event, as flow.Event.
	Data, Query, Headers []byte
	Method, ClientIP     string
	ReceivedAt           time.Time

	// Steps are the nodes that have completed, in the order of their checkpoints. A new entry has
	// none, an adopted one may have some.
	Steps []Step

	// Key is the idempotency key that is reserved together with the acceptance; nil = none. Its
	// Response must be set. Entries that are given out have none.
	Key *Key

	// Deaths is how often a process died while it worked on the entry; set on entries that are
	// claimed.
	Deaths int
}

// Step is a completed node.
type Step struct {
	Node   string // its id
	Output []byte // raw JSON
	Handle string // the handle it chose, "" = success
}

// MaxKey is the longest text of a Key, in bytes.
const MaxKey = 255

// Key is a sender's name for what it asks for: the same key of the same workflow starts nothing a
// second time.
type Key struct {
	Text   string   // at most MaxKey bytes
	Digest [32]byte // of the request's body: a key belongs to one
	Until  time.Time
	// Response is what duplicates are answered, in the caller's own form; nil while the execution
	// runs. Journals keep it as long as there is room for it, and then give out an empty one in its
	// place.
	Response []byte
}

// Reservation is a key that an execution has while a sender waits for it.
type Reservation struct {
	ID, Workflow string
	Key          Key // without a Response
}
