// Package signature verifies the signatures of webhooks with the secrets of a workflow. It also
// signs webhooks in the same way, for tests and the command line. A [Scheme] describes the headers
// of a signature and the bytes that it covers. Every scheme is an HMAC over the raw body. Some
// include a timestamp and a message ID.
//
// Only signed bytes are authentic: no scheme covers the query, the path or other headers.
// Signatures of the schemes flowtrux, github and shopify include no time, so they never expire. A
// recorded request can be replayed for as long as the secret lives. If senders leave a choice, use
// standard-webhooks, which signs a time and an ID.
//
// The package is not an authentication framework: it reads no bodies, knows no workflows and sends
// no responses. It returns a [Reason] for logs and metrics. Senders must learn only that the
// signature is invalid.
package signature

import (
	"net/http"
	"time"
)

// Tolerance is the maximum difference between the signed time and now, in either direction.
const Tolerance = 5 * time.Minute

// Reason says why a signature was rejected. It is for logs and metrics only, never for the sender.
type Reason string

// The reasons.
const (
	OK             Reason = ""
	NoHeader       Reason = "no_header"       // a required header is missing
	SeveralHeaders Reason = "several_headers" // a header occurs more than once
	Malformed      Reason = "malformed"       // not hex or base64, no prefix, no time, ...
	WrongLength    Reason = "wrong_length"    // well-formed, but with the length of another hash
	NoSecret       Reason = "no_secret"       // no key is live
	Mismatch       Reason = "mismatch"        // no live key results in this signature
	// the signature is correct, but its time is outside the tolerance
	Stale Reason = "stale"
)

// Scheme describes the signatures of a sender. [ParseScheme] returns one. A Scheme is immutable and
// safe for concurrent use.
type Scheme struct {
	name   string
	layout layout
	prefix string // before the signature
	bare   bool   // the prefix is optional

	names   names
	older   names    // used by older senders; empty if the scheme has none
	headers []string // all of names and older

	base64    bool // else hex
	algorithm *algorithm
	materials []material // one; unused in schemes that decode
	decodes   bool       // secrets are base64; see forms
	payload   []part
	time      timeFormat

	decoy Key // of random bytes; its signatures are never accepted
}

// names holds canonical header names. timestamp and id are "" in schemes without them.
type names struct{ signature, timestamp, id string }

// list returns the names that are not empty.
func (n *names) list() []string {
	var list []string
	for _, name := range []string{n.signature, n.timestamp, n.id} {
		if name != "" {
			list = append(list, name)
		}
	}
	return list
}

// layout is the format of the signature header.
type layout uint8

const (
	layoutOne      layout = iota // one signature after the prefix
	layoutStripe                 // t=<time>,v1=<signature>,v1=<signature>,v0=...
	layoutStandard               // v1,<signature> v1,<signature> v1a,...
)

// Name returns the scheme's name, as in a workflow document.
func (s *Scheme) Name() string { return s.name }

// Headers returns the canonical names of the signature headers. The header with the MAC is first,
// those of older senders are last. They are not passed on to workflows. The slice must not be
// modified.
func (s *Scheme) Headers() []string { return s.headers }

// MessageID returns the signed ID of the message in schemes that have one (standard-webhooks), and
// "" otherwise. Trust it only after Verify has returned OK for h.
func (s *Scheme) MessageID(h http.Header) string {
	if s.names.id == "" {
		return ""
	}
	id, _ := single(h, s.namesIn(h).id)
	return id
}

// timed reports whether the scheme signs a time.
func (s *Scheme) timed() bool { return s.names.timestamp != "" || s.layout == layoutStripe }
