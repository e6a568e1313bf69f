package adminapi

// Send is the body of POST send: a webhook for a workflow, to be signed and sent by the server.
type Send struct {
	Workflow string `json:"workflow"` // its id
	// Prefix is that of the handler to send through; "" = the first that Status lists.
	Prefix string `json:"prefix,omitempty"`
	Body   string `json:"body"`
	Query  string `json:"query,omitempty"` // as in a URL, without the question mark
	// Headers are sent in addition to those of the signature. Without a Content-Type it is
	// application/json.
	Headers [][2]string `json:"headers,omitempty"`
}

// Sent is the response of POST send: what a sender would have sent, and what it would have got.
type Sent struct {
	ExecutionID string `json:"executionId,omitempty"` // "" = there is none
	// Replayed reports whether the response is that of an earlier request with the same idempotency
	// key.
	Replayed   bool         `json:"replayed,omitempty"`
	Request    SentRequest  `json:"request"`
	Response   SentResponse `json:"response"`
	DurationNs int64        `json:"durationNs"` // until the response
}

// SentRequest is a signed webhook.
type SentRequest struct {
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Query   string      `json:"query,omitempty"`
	Headers [][2]string `json:"headers"` // sorted by name
	Body    string      `json:"body"`
}

// SentResponse is the response to a webhook.
type SentResponse struct {
	Status  int         `json:"status"`
	Headers [][2]string `json:"headers"` // sorted by name
	Body    string      `json:"body"`
	// Encoding is that of Body: "base64" if it is not text, "" otherwise.
	Encoding string `json:"encoding,omitempty"`
	// Size is the body's length in bytes if Body has only its beginning, 0 otherwise.
	Size int `json:"size,omitempty"`
}
