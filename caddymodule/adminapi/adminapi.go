// Package adminapi defines the admin API of FlowTrux Edge: its base path, and the JSON that the
// server writes and clients read. The server is package caddymodule; `caddy flowtrux` is a client,
// and so are consoles, which serve the same API below their prefix.
//
// Requests carry no JSON of this package: a PUT has the document, the secret or the value itself
// as its body. The record of one execution is a journal.Record.
package adminapi

// Base is the path of the API on Caddy's admin endpoint, and below the prefix of a console. All
// paths begin with it.
const Base = "/flowtrux/"

// CodeReadOnly is the Code of an Error: a console was asked to change something and must not.
const CodeReadOnly = "read_only"

// Error is the body of a response whose status is 400 or above.
type Error struct {
	Message string `json:"error"`
	// Code is set where clients act on it.
	Code string `json:"code,omitempty"`
	// Problems are the mistakes in the document that the request is about, sorted by place. There
	// are at most 50; then there may be more.
	Problems []Problem `json:"problems,omitempty"`
}

// Conflict is the body of a 412: what the request is to replace is not of the revision that it
// names.
type Conflict struct {
	Message  string `json:"error"`
	Revision int64  `json:"revision"` // the current one; 0 = there is none
	// Document is the text of a workflow's current document, as GET workflows/{id} returns it. nil
	// = there is none, or it cannot be shown.
	Document *string `json:"document,omitempty"`
}

// Problem is one mistake in a document.
type Problem struct {
	Path   string `json:"path"` // where in the document
	Reason string `json:"reason"`
	// Line and Column are where Path begins in the text of a request, from 1 on: a member at its
	// key, and what is missing where the innermost value around it begins. Column counts Unicode
	// code points. Both are left out for stored documents, which are shown without their secrets.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// Deleted is the response of a DELETE.
type Deleted struct {
	Name     string `json:"deleted"`
	Revision int64  `json:"revision"` // of the store
}
