package slots

import (
	"errors"
	"fmt"
)

// Errors of Acquire.
var (
	// ErrWorkflowBusy means that the workflow's own limit kept the execution waiting.
	ErrWorkflowBusy = errors.New("too many executions of this workflow")
	// ErrServerBusy means that the limit of the whole server did.
	ErrServerBusy = errors.New("too many executions")
)

// busyError names the limit that kept an execution waiting. Its text is made only when it is read:
// it is an error of a server under load.
type busyError struct {
	kind  error // ErrWorkflowBusy or ErrServerBusy
	what  string
	limit int
}

// NewBusyError returns an error that wraps kind, ErrWorkflowBusy or ErrServerBusy, and says that
// what, of which there may be limit, kept an execution waiting.
func NewBusyError(kind error, what string, limit int) error { return &busyError{kind, what, limit} }

func (e *busyError) Error() string { return fmt.Sprintf("%v: %s, %d", e.kind, e.what, e.limit) }
func (e *busyError) Unwrap() error { return e.kind }
