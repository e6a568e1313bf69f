package hostapi

import (
	"context"
	"time"
)

// Grants is what a node may do: what its manifest asks for and the operator allows. The zero value is nothing.
type Grants struct {
	HTTP      bool
	HTTPHosts []string // hosts http is limited to; empty = all that egress lets through
	Log       bool
	Clock     bool
	Random    bool
	Globals   bool
}

// HTTPClient does the requests of the http capability. *egress.Client is the one in production.
type HTTPClient interface {
	// Do takes the request's JSON and appends the response's JSON to dst. See egress.Client.Do.
	Do(ctx context.Context, req []byte, o HTTPOptions, dst []byte) ([]byte, error)
}

// HTTPOptions are the host's part of a request.
type HTTPOptions struct {
	Hosts          []string // from Grants.HTTPHosts
	IdempotencyKey string   // sent as Idempotency-Key on methods other than GET and HEAD unless the request sets it
	MaxResponse    int64    // bytes of body
}

// GlobalWriter stores a global; it returns when the value is in the store.
type GlobalWriter interface {
	SetGlobal(ctx context.Context, key string, value []byte) error
}

// Failure is an error a node gets to see: its text is fixed, without URLs, addresses or paths.
type Failure struct {
	Code    string
	Message string
	Fatal   bool  // another attempt cannot mend it
	Detail  error // for the log and the record only
}

func (f *Failure) Error() string { return f.Message }
func (f *Failure) Unwrap() error { return f.Detail }

// Session is the host's side of one call. It belongs to that call; a pool may reuse it after Reset.
type Session struct {
	Grants         Grants
	HTTP           HTTPClient
	Globals        GlobalWriter
	Log            func(level int, message string) // nil drops
	IdempotencyKey string
	Start          time.Time // the clock without Grants.Clock
	Seed           [32]byte  // of the random stream without Grants.Random
	Deadline       time.Time // of the call; zero = none
	MaxResponse    int64     // bytes of an http response body

	held []byte // the answer that waits for take
}
