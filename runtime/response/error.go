package response

import (
	"net/http"
	"strconv"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Code identifies an error to programs, in the body. Codes never change their meaning.
type Code string

// The codes, in the order of the checks that give them.
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
	InvalidKey           Code = "invalid_idempotency_key"
	KeyReused            Code = "idempotency_key_reused"
	JournalUnavailable   Code = "journal_unavailable"
	TooManyExecutions    Code = "too_many_executions"
	ExecutionFailed      Code = "execution_failed"
	ExecutionTimeout     Code = "execution_timeout"
)

// challenge is sent with every 401 (RFC 9110, section 11.6.1). It is the same for all schemes: it
// reveals neither a workflow's scheme nor whether the workflow exists.
const challenge = `Signature realm="webhooks"`

// kind is the fixed part of an error's response.
type kind struct {
	status  int
	message string
	name    string // of an additional header, or ""
	value   string
}

// kinds has the fixed parts by code. Retry-After is in seconds: short where a free slot or the
// store ends the wait, longer where an operator may have to act.
var kinds = map[Code]kind{
	NotReady:             {http.StatusServiceUnavailable, "the server is still loading its workflows", "Retry-After", "1"},
	WorkflowNotFound:     {http.StatusNotFound, "there is no such workflow", "", ""},
	MethodNotAllowed:     {http.StatusMethodNotAllowed, "webhooks are sent with POST", "Allow", http.MethodPost},
	BodyTooLarge:         {http.StatusRequestEntityTooLarge, "the body is larger than this server accepts", "", ""},
	BodyTimeout:          {http.StatusRequestTimeout, "the body took too long to arrive", "", ""},
	Overloaded:           {http.StatusServiceUnavailable, "the server is busy", "Retry-After", "1"},
	InvalidSignature:     {http.StatusUnauthorized, "the signature is missing or invalid", "Www-Authenticate", challenge},
	StaleSignature:       {http.StatusUnauthorized, "the signed time is too far from now", "Www-Authenticate", challenge},
	UnsupportedMediaType: {http.StatusUnsupportedMediaType, "Content-Type must be application/json or end with +json, and there must be no Content-Encoding", "", ""},
	InvalidJSON:          {http.StatusBadRequest, "the body is not one JSON value", "", ""},
	WorkflowInvalid:      {http.StatusServiceUnavailable, "the workflow has no valid version", "", ""},
	InvalidKey:           {http.StatusBadRequest, "the idempotency key is longer than 255 bytes, or there are several", "", ""},
	KeyReused:            {http.StatusUnprocessableEntity, "the idempotency key was used with another body", "", ""},
	JournalUnavailable:   {http.StatusServiceUnavailable, "the execution cannot be recorded", "Retry-After", "5"},
	TooManyExecutions:    {http.StatusTooManyRequests, "the workflow is busy", "Retry-After", "1"},
	ExecutionFailed:      {http.StatusInternalServerError, "the execution failed", "", ""},
	ExecutionTimeout:     {http.StatusGatewayTimeout, "the execution did not end in time", "", ""},
}

// Error returns the response for a code. id is the execution's, or "" if there is none. Responses
// with the same code and id are equal byte for byte. An unknown code gives 500.
func Error(c Code, id string) Response { return failure(c, kinds[c].message, id) }

// InvalidBody returns the InvalidJSON response with position and reason. The reason must be fixed
// text, never part of the body; offset counts bytes.
func InvalidBody(reason string, offset int) Response {
	return failure(InvalidJSON, kinds[InvalidJSON].message+": "+reason+" at byte "+strconv.Itoa(offset), "")
}

// Preparing returns the NotReady response of a single workflow; others may be ready.
func Preparing() Response { return failure(NotReady, "the workflow is still being prepared", "") }

// failure builds an error response with this body:
// {"success":false,"error":{"code":…,"message":…},"executionId":…}.
func failure(c Code, message, id string) Response {
	k, ok := kinds[c]
	if !ok {
		k = kind{status: http.StatusInternalServerError}
	}
	h := newHeader(id, 2)
	h.Set("Content-Type", contentType)
	if k.name != "" {
		h.Set(k.name, k.value)
	}
	b := append([]byte(nil), `{"success":false,"error":{"code":`...)
	b = rawjson.AppendQuoted(b, []byte(c))
	b = append(b, `,"message":`...)
	b = rawjson.AppendQuoted(b, []byte(message))
	b = append(b, '}')
	if id != "" {
		b = append(b, `,"executionId":`...)
		b = rawjson.AppendQuoted(b, []byte(id))
	}
	return Response{Status: k.status, Header: h, Body: append(b, '}'), Code: c}
}
