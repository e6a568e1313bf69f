package journal

import "errors"

// Errors of a Journal and a Lease.
var (
	// ErrFull means that the journal has reached a limit, of entries or bytes, of the workflow or
	// of all workflows, or that the disk's reserve is used up. The text of the error names the
	// limit.
	ErrFull = errors.New("journal is full")
	// ErrClosed means that the journal was closed, or is not open yet.
	ErrClosed = errors.New("journal is closed")
	// ErrUnavailable means that the journal cannot write or read at the moment. The call may have
	// had an effect; it may be repeated.
	ErrUnavailable = errors.New("journal is unavailable")
	// ErrVolatile means that the journal stores nothing beyond the process, and the configuration
	// does not permit such a loss.
	ErrVolatile = errors.New("journal would lose this with the process")
	// ErrForeign means that the journal's file is something else or damaged. It was left as it is.
	ErrForeign = errors.New("not a journal, or a damaged one")
	// ErrOtherFleet means that the journal belongs to other machines: see Sharing. It is an
	// ErrForeign as well.
	ErrOtherFleet error = otherFleet{}
	// ErrSealed means that the content of the journal was exported, to be imported into another
	// one: see Portable.
	ErrSealed = errors.New("journal was exported")
	// ErrNotSealed means that the journal is not sealed.
	ErrNotSealed = errors.New("journal was not exported")
	// ErrTooManyMoves means that the journal has taken part of MaxMoves moves.
	ErrTooManyMoves = errors.New("journal has imported too often")
	// ErrInUse means that another process uses the journal.
	ErrInUse = errors.New("journal is used by another process")
	// ErrExists means that the journal already has an entry with this ID, which was left as it is.
	// A caller that retries Accept after a lost reply treats it as success.
	ErrExists = errors.New("journal holds this execution already")
	// ErrKeyReused means that an idempotency key is reserved by a request with another digest.
	ErrKeyReused = errors.New("idempotency key was used with another body")
	// ErrLeaseLost means that the lease has ended: the entry was finished or released, or the lease
	// has lapsed. The caller stops working on the entry.
	ErrLeaseLost = errors.New("lease has ended")
	// ErrCancelled means that the entry was cancelled while the lease holds. The caller stops
	// working on the entry and finishes it as cancelled.
	ErrCancelled = errors.New("execution was cancelled")
	// ErrNobody means that no machine can run an entry, and that it has waited for one for long,
	// see Leaver. The caller ends it.
	ErrNobody = errors.New("no machine can run this")
	// ErrUnknown means that the journal has nothing with this ID, or no longer has it.
	ErrUnknown = errors.New("no such execution")
	// ErrEnded means that the execution has already ended.
	ErrEnded = errors.New("execution has ended")
	// ErrNotEnded means that the execution has not ended yet.
	ErrNotEnded = errors.New("execution has not ended")
	// ErrBadCursor means that a cursor did not come from a Page.
	ErrBadCursor = errors.New("malformed cursor")
	// ErrBadID means that an ID is malformed: see Entry.ID.
	ErrBadID = errors.New("malformed execution id")
)

// DuplicateError means that an idempotency key is already reserved by a request with the same
// digest.
type DuplicateError struct {
	ID string // of the execution that reserved it
	// Response is the stored response. nil means that the execution still runs; an empty one means
	// that it has ended and there was no room for its response. It must not be changed.
	Response []byte
}

func (e *DuplicateError) Error() string { return "idempotency key is reserved by " + e.ID }

type otherFleet struct{}

// Error implements error.
func (otherFleet) Error() string { return "journal of other machines" }

// Is makes it an ErrForeign.
func (otherFleet) Is(target error) bool { return target == ErrForeign }
