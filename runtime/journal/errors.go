package journal

import "errors"

// Errors of a Journal and a Lease.
var (
	// ErrFull means that the journal holds as much as it may, in entries or in bytes, of the one
	// workflow or of all, or that the disk's reserve is used up. The error says which bound it is.
	ErrFull = errors.New("journal is full")
	// ErrClosed means that the journal was closed, or not opened yet: it takes nothing new and
	// gives nothing out.
	ErrClosed = errors.New("journal is closed")
	// ErrUnavailable means that the journal cannot write or read at the moment. It is not known
	// whether the call had an effect; it may be repeated.
	ErrUnavailable = errors.New("journal is unavailable")
	// ErrVolatile means that the journal keeps nothing beyond the process, and nobody has said that
	// this is fine.
	ErrVolatile = errors.New("journal would lose this with the process")
	// ErrForeign means that there is something else where the journal's file should be, or a file
	// that is damaged. It was left as it is.
	ErrForeign = errors.New("not a journal, or a damaged one")
	// ErrInUse means that another process has the journal.
	ErrInUse = errors.New("journal is used by another process")
	// ErrExists means that the journal holds an entry with this ID already and left it as it is.
	// Who repeats an Accept because its answer was lost takes it for success.
	ErrExists = errors.New("journal holds this execution already")
	// ErrKeyReused means that an idempotency key is reserved by a request with another digest.
	ErrKeyReused = errors.New("idempotency key was used with another body")
	// ErrLeaseLost means that the lease has ended: the entry was finished or released, or the lease
	// has lapsed. Who gets it stops working on the entry.
	ErrLeaseLost = errors.New("lease has ended")
	// ErrCancelled means that the entry was cancelled while the lease holds. Who gets it stops
	// working on the entry and finishes it as cancelled.
	ErrCancelled = errors.New("execution was cancelled")
	// ErrUnknown means that the journal holds nothing of this ID, or nothing any more.
	ErrUnknown = errors.New("no such execution")
	// ErrEnded means that the execution has ended already.
	ErrEnded = errors.New("execution has ended")
	// ErrNotEnded means that the execution has not ended yet.
	ErrNotEnded = errors.New("execution has not ended")
	// ErrBadCursor means that a cursor did not come from a Page.
	ErrBadCursor = errors.New("malformed cursor")
	// ErrBadID means that an ID is none: see Entry.ID.
	ErrBadID = errors.New("malformed execution id")
)

// DuplicateError means that an idempotency key is reserved already, by a request with the same
// digest.
type DuplicateError struct {
	ID string // of the execution that reserved it
	// Response is what was kept for duplicates; nil means that the execution runs still, and an
	// empty one that it has ended and that there was no room for its response. Nobody changes it.
	Response []byte
}

func (e *DuplicateError) Error() string { return "idempotency key is reserved by " + e.ID }
