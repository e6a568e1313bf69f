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
	CodeTimeout        = "timeout"          // the call's time was over
	CodeCancelled      = "cancelled"        // the caller's context ended
	CodeFuel           = "fuel"             // the call's budget of fuel was used up
	CodeMemory         = "memory"           // more memory than the limit was wanted
	CodeTrap           = "trap"             // the module trapped
	CodeExit           = "exit"             // the module exited, as a Go program does that panics
	CodeBadAnswer      = "bad_answer"       // the answer is none: outside of the memory, not JSON
	CodeOutputTooLarge = "output_too_large" // the output is over the limit
	CodeInternal       = "internal"         // the sandbox itself failed
)

// ErrClosed is the detail of a call on a module that has been closed.
var ErrClosed = errors.New("the module is closed")

// Error is a call that gave no answer.
type Error struct {
	Code    string // one of the codes above
	Message string // fixed text for records and answers
	Detail  error  // stack, standard error and the like: for logs only
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the detail.
func (e *Error) Unwrap() error { return e.Detail }

func badResult(message string) *Error { return &Error{Code: CodeBadAnswer, Message: message} }

// contextError is the error of a call whose caller's context has ended.
func contextError(ctx context.Context, detail error) *Error {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return &Error{Code: CodeTimeout, Message: "the time limit has passed", Detail: detail}
	}
	return &Error{Code: CodeCancelled, Message: "the call was cancelled", Detail: detail}
}

// callError says why a guest's function did not return. ctx is the caller's; s is the session that the
// guest had.
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

// trapReason finds the fixed text of a trap in wazero's errors, whose types are not exported; a
// stack may follow it.
func trapReason(err error) (reason string, ok bool) {
	var misuse hostapi.MisuseError
	if errors.As(err, &misuse) {
		return misuse.Error(), true
	}
	first := firstLine(err)
	if first == "stack overflow" { // the one trap that comes without the prefix
		return first, true
	}
	_, reason, ok = strings.Cut(first, "wasm error: ")
	return reason, ok
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// maxFailureText bounds the text of a cause, in bytes: its stack has few frames, but their names can be
// as long as a module likes.
const maxFailureText = 8 << 10

// guestFailure is why a guest's function did not return, and the end of what the guest said.
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

// stderrLine is the first line of what the guest of a failed call said: of a panic, what its author
// needs.
func (e *Error) stderrLine() string {
	var t *guestFailure
	if !errors.As(e.Detail, &t) {
		return ""
	}
	return hostapi.CleanMessage([]byte(t.stderr))
}
