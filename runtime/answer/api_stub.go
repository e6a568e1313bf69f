package answer

import (
	"net/http"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
)

// Answer is what a sender gets: written in one piece.
type Answer struct {
	Status int
	Header http.Header // without Content-Length
	Body   []byte      // nil for 204, 205, 304
}

// Code is an error code of the contract.
type Code string

// The codes.
const (
	NotReady             Code = "not_ready"
	WorkflowNotFound     Code = "workflow_not_found"
	MethodNotAllowed     Code = "method_not_allowed"
	BodyTooLarge         Code = "body_too_large"
	BodyTimeout          Code = "body_timeout"
	Overloaded           Code = "overloaded"
	InvalidSignature     Code = "invalid_signature"
	StaleSignature       Code = "stale_signature"
	UnsupportedMediaType Code = "unsupported_media_type"
	InvalidJSON          Code = "invalid_json"
	WorkflowInvalid      Code = "workflow_invalid"
	JournalUnavailable   Code = "journal_unavailable"
	TooManyExecutions    Code = "too_many_executions"
	ExecutionFailed      Code = "execution_failed"
	ExecutionTimeout     Code = "execution_timeout"
)

// Error makes the answer of a code: status, fixed message, Retry-After, Allow, WWW-Authenticate as the contract says. id is the execution's or "".
func Error(c Code, id string) Answer { panic("stub") }

// InvalidBody is the InvalidJSON answer with where and why.
func InvalidBody(reason string, offset int) Answer { panic("stub") }

// Accepted is the minimal body with the plan's status and headers.
func Accepted(p *flow.Plan, id string) Answer { panic("stub") }

// AcceptedLate is the 202 of onTimeout: accept.
func AcceptedLate(p *flow.Plan, id string) Answer { panic("stub") }

// Of makes the answer of an ended execution in the plan's mode, or in mode when it is not "".
func Of(p *flow.Plan, r *engine.Result, ev *flow.Event) Answer { panic("stub") }
