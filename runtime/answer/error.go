package answer

import (
	"net/http"
	"strconv"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Code says in an error's body, for programs, what is wrong. Codes never change their meaning.
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

// challenge goes with every 401 (RFC 9110, section 11.6.1). It is the same for all schemes, so that
// it does not tell which one a workflow has, or whether there is a workflow at all.
const challenge = `Signature realm="webhooks"`

// kind is what all errors of a code have in common.
type kind struct {
	status  int
	message string
	name    string // of a further header, or ""
	value   string
}

// Retry-After is in seconds: short where waiting for a free slot or the store is enough, longer
// where an operator may have to act.
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

// Error makes the answer of a code. id is the execution's, "" when there is none. Answers of one
// code and id are equal byte for byte. A code that is none of this package's gives 500.
func Error(c Code, id string) Answer { return failure(c, kinds[c].message, id) }

// InvalidBody is the InvalidJSON answer with where and why: reason is fixed text, never a part of
// the body, and offset counts bytes.
func InvalidBody(reason string, offset int) Answer {
	return failure(InvalidJSON, kinds[InvalidJSON].message+": "+reason+" at byte "+strconv.Itoa(offset), "")
}

// Preparing is the NotReady answer of one workflow, while others may be ready.
func Preparing() Answer { return failure(NotReady, "the workflow is still being prepared", "") }

// failure makes an error's answer:
// {"success":false,"error":{"code":…,"message":…},"executionId":…}.
func failure(c Code, message, id string) Answer {
	k, ok := kinds[c]
	if !ok {
		k = kind{status: http.StatusInternalServerError}
	}
	h := newHeader(id, 2)
	h.set("Content-Type", contentType)
	if k.name != "" {
		h.set(k.name, k.value)
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
	return Answer{Status: k.status, Header: h.fields, Body: append(b, '}'), Code: c}
}
