package slots

import (
	"errors"
	"fmt"
)

// Errors of Acquire.
var (
	// ErrWorkflowBusy means that the workflow's own limit kept the execution waiting.
	ErrWorkflowBusy = errors.New("too many executions of this workflow")
	// ErrServerBusy means that the server's limit kept the execution waiting.
	ErrServerBusy = errors.New("too many executions")
)

// busyError names the limit that kept an execution waiting. Its text is built only when read,
// because it is an error of a server under load.
type busyError struct {
	kind  error // ErrWorkflowBusy or ErrServerBusy
	what  string
	limit int
}

// NewBusyError returns an error that wraps kind, ErrWorkflowBusy or ErrServerBusy. The text names
// the limit that kept an execution waiting, and its value.
func NewBusyError(kind error, what string, limit int) error { return &busyError{kind, what, limit} }

func (e *busyError) Error() string { return fmt.Sprintf("%v: %s, %d", e.kind, e.what, e.limit) }
func (e *busyError) Unwrap() error { return e.kind }
