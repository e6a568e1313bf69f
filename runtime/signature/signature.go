// Package signature checks that a webhook was signed by somebody who knows the workflow's secret,
// and signs webhooks the same way for tests and the command line. A [Scheme] knows in which headers
// a sender puts its signature and over which bytes it is computed; every scheme is an HMAC over the
// raw body, some also over a timestamp and a message id.
//
// What is not signed is not authentic: under no scheme are the query, the path or other headers
// covered. Signatures of the schemes flowtrux, github and shopify hold no time and so never expire;
// who recorded such a request can send it again for as long as the secret lives. Of the schemes
// here standard-webhooks is the one to choose where there is a choice: it signs a time and an id.
//
// The package is not an authentication framework: it reads no bodies, knows no workflows and
// answers nobody. It returns a [Reason], which is for logs and metrics; senders must be told
// nothing but that the signature is invalid.
package signature

import (
	"hash"
	"net/http"
	"time"
)

// Tolerance is how far the signed time may be from now, in both directions.
const Tolerance = 5 * time.Minute

// Reason says why a signature was refused; for logs and metrics only, never for the sender.
type Reason string

// The reasons.
const (
	OK             Reason = ""
	NoHeader       Reason = "no_header"       // a header that the scheme needs is not there
	SeveralHeaders Reason = "several_headers" // it is there more than once
	Malformed      Reason = "malformed"       // not hex or base64, no prefix, no time, ...
	WrongLength    Reason = "wrong_length"    // well-formed, but of another hash's length
	NoSecret       Reason = "no_secret"       // no key is live
	Mismatch       Reason = "mismatch"        // no live key gives this signature
	// the signature is right, its time is outside the tolerance
	Stale Reason = "stale"
)

// Scheme knows how a sender signs. It is made by [ParseScheme], immutable and safe for concurrent
// use.
type Scheme struct {
	name   string
	layout layout
	prefix string // before the signature
	bare   bool   // the prefix may be left out

	names   names
	older   names    // that older senders use for the same; empty in schemes without such
	headers []string // all of names and older

	base64    bool // else hex
	hash      func() hash.Hash
	size      int        // of a MAC, in bytes
	materials []material // one; not for schemes that decode
	decodes   bool       // secrets are base64, see forms
	payload   []part
	time      timeFormat

	decoy Key // of random bytes; what it signs is never accepted
}

// names are canonical names of headers; timestamp and id are "" in schemes without them.
type names struct{ signature, timestamp, id string }

// list are the names that are not "".
func (n *names) list() []string {
	var list []string
	for _, name := range []string{n.signature, n.timestamp, n.id} {
		if name != "" {
			list = append(list, name)
		}
	}
	return list
}

// layout is how the value of the signature header is written.
type layout uint8

const (
	layoutOne      layout = iota // one signature behind the prefix
	layoutStripe                 // t=<time>,v1=<signature>,v1=<signature>,v0=...
	layoutStandard               // v1,<signature> v1,<signature> v1a,...
)

// Name is the scheme's name, as in a workflow document.
func (s *Scheme) Name() string { return s.name }

// Headers are the canonical names of the headers that carry the signature, the one with the MAC
// first and those of older senders last: they are not passed on to workflows. The slice must not be
// changed.
func (s *Scheme) Headers() []string { return s.headers }

// MessageID returns the signed id of the message for schemes that have one (standard-webhooks),
// else "". It is to be trusted only after Verify returned OK for h.
func (s *Scheme) MessageID(h http.Header) string {
	if s.names.id == "" {
		return ""
	}
	id, _ := single(h, s.namesIn(h).id)
	return id
}

// timed tells whether the scheme signs a time.
func (s *Scheme) timed() bool { return s.names.timestamp != "" || s.layout == layoutStripe }
