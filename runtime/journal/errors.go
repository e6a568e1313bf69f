package journal

import "errors"

// Errors of a Journal and a Lease.
var (
	// ErrFull means that the journal holds as much as it may.
	ErrFull = errors.New("journal is full")
	// ErrClosed means that the journal was closed, or not opened yet: it takes nothing new and gives nothing out.
	ErrClosed = errors.New("journal is closed")
	// ErrExists means that the journal holds an entry with this ID already and left it as it is. Who repeats an Accept
	// because its answer was lost takes it for success.
	ErrExists = errors.New("journal holds this execution already")
	// ErrLeaseLost means that the lease has ended: the entry was finished or released, or the lease has lapsed. Who gets
	// it stops working on the entry.
	ErrLeaseLost = errors.New("lease has ended")
)
