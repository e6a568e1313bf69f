package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// Codes of [Error].
const (
	CodeTimeout   = "timeout"   // the time limit has passed
	CodeCancelled = "cancelled" // the caller's context ended
	CodeFuel      = "fuel"      // the call's fuel was used up
	CodeMemory    = "memory"    // the guest needed more memory than it may have
	CodeTrap      = "trap"      // the module trapped
	// the module exited, as a Go program does when it panics
	CodeExit = "exit"
	// the result is invalid: outside of the memory, not JSON
	CodeBadAnswer      = "bad_answer"
	CodeOutputTooLarge = "output_too_large" // the output is over the limit
	CodeInternal       = "internal"         // the sandbox itself failed
)

// ErrClosed is the detail of a call on a module that has been closed.
var ErrClosed = errors.New("the module is closed")

// Error is the error of a call without a result.
type Error struct {
	Code    string // one of the codes above
	Message string // fixed text for records and responses
	Detail  error  // stack, standard error and the like: for logs only
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the detail.
func (e *Error) Unwrap() error { return e.Detail }

func badResult(message string) *Error { return &Error{Code: CodeBadAnswer, Message: message} }

// contextError returns the error of a call whose caller's context has ended.
func contextError(ctx context.Context, detail error) *Error {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return &Error{Code: CodeTimeout, Message: "the time limit has passed", Detail: detail}
	}
	return &Error{Code: CodeCancelled, Message: "the call was cancelled", Detail: detail}
}

// callError returns the error of a guest's function that did not return. ctx is the caller's, s the
// guest's session.
func (in *instance) callError(ctx context.Context, s *hostapi.Session, cause error) *Error {
	var exit hostapi.ExitError
	err := &guestFailure{cause, s.Stderr()}
	switch {
	case ctx.Err() != nil:
		return contextError(ctx, err)
	case errors.Is(cause, errTimeout), errors.As(cause, new(hostapi.TimeoutError)):
		return &Error{Code: CodeTimeout, Message: "the time limit has passed", Detail: err}
	case errors.Is(cause, errStackOverflow):
		return &Error{Code: CodeTrap, Message: "the module trapped: " + errStackOverflow.Error(), Detail: err}
	case errors.Is(cause, errFuel):
		return &Error{Code: CodeFuel, Message: fmt.Sprintf("the budget of %d units of fuel is used up", in.memory.meter.budget), Detail: err}
	case in.memory.refused != nil:
		return &Error{Code: CodeMemory, Message: in.memoryMessage(), Detail: err}
	case errors.As(cause, &exit):
		return &Error{Code: CodeExit, Message: exit.Error(), Detail: err}
	}
	if reason, ok := trapReason(cause); ok {
		return &Error{Code: CodeTrap, Message: "the module trapped: " + reason, Detail: err}
	}
	return &Error{Code: CodeInternal, Message: "an error in the host", Detail: err}
}

// trapReason returns the fixed text of a trap. wazero does not export its error types, and a stack
// may follow the text.
func trapReason(err error) (reason string, ok bool) {
	if misuse, ok := errors.AsType[hostapi.MisuseError](err); ok {
		return misuse.Error(), true
	}
	first := firstLine(err)
	if first == "stack overflow" { // the only trap without the prefix
		return first, true
	}
	_, reason, ok = strings.Cut(first, "wasm error: ")
	return reason, ok
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// maxFailureText is the maximum length of a cause's text, in bytes. Its stack has few frames, but a
// module can make their names arbitrarily long.
const maxFailureText = 8 << 10

// guestFailure is the reason why a guest's function did not return, with the end of the guest's
// standard error.
type guestFailure struct {
	cause  error
	stderr string
}

func (t *guestFailure) Error() string {
	text := t.cause.Error()
	text = strings.ToValidUTF8(text[:min(len(text), maxFailureText)], "")
	if t.stderr != "" {
		text += "\nstandard error:\n" + t.stderr
	}
	return text
}

func (t *guestFailure) Unwrap() error { return t.cause }

// stderrLine returns the first line of the standard error of a failed call. For a panic, it is the
// line that the module's author needs.
func (e *Error) stderrLine() string {
	var t *guestFailure
	if !errors.As(e.Detail, &t) {
		return ""
	}
	return hostapi.CleanMessage([]byte(t.stderr))
}
