package signature

import (
	"net/http"
	"time"
)

// Key is one live secret. Its text is never shown.
type Key struct {
	Secret    []byte
	ExpiresAt time.Time // zero = never
}

// Reason says why a signature was refused; for logs and metrics only, never for the sender.
type Reason string

// The reasons.
const (
	OK             Reason = ""
	NoHeader       Reason = "no_header"
	SeveralHeaders Reason = "several_headers"
	Malformed      Reason = "malformed" // not hex or base64, no timestamp, ...
	WrongLength    Reason = "wrong_length"
	NoSecret       Reason = "no_secret"
	Mismatch       Reason = "mismatch"
	Stale          Reason = "stale" // the signature is right, its time is outside the tolerance
)

// Scheme knows how a sender signs. Immutable.
type Scheme struct{ _ struct{} }

// ParseScheme decodes webhook.signature (raw JSON, nil = the default scheme "flowtrux"). Problems carry the path below "signature".
func ParseScheme(raw []byte) (*Scheme, error) { panic("stub") }

// Name is the scheme's name.
func (s *Scheme) Name() string { panic("stub") }

// Headers are the canonical names of the headers that carry the signature: they are not passed on to workflows.
func (s *Scheme) Headers() []string { panic("stub") }

// Verify checks body against h with any of keys that has not expired at now. Constant time in the comparison.
func (s *Scheme) Verify(h http.Header, body []byte, keys []Key, now time.Time) Reason { panic("stub") }

// Sign sets the headers that make Verify accept body, for the CLI and tests. id is for schemes with a message id.
func (s *Scheme) Sign(h http.Header, body []byte, key Key, now time.Time, id string) { panic("stub") }

// MessageID returns the signed id of the message for schemes that have one (standard-webhooks), else "".
func (s *Scheme) MessageID(h http.Header) string { panic("stub") }

// ParseKeys decodes the value of secrets/<id>: text (one trailing newline dropped) or {"secrets":[...]}. No keys and an error
// for a value that begins with { and is not such an object. Empty secrets are dropped.
func ParseKeys(value []byte) ([]Key, error) { panic("stub") }
