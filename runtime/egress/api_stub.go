package egress

import (
	"context"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// Rules say which addresses may be dialled beyond public ones.
type Rules struct {
	Allow  []string // CIDR, address, host, or host:port
	Refuse []string // host:port that stay refused unless Allow has them as exact host:port (Caddy's admin endpoint, the store)
}

// Client does the requests of the http capability. Safe for concurrent use.
type Client struct{ _ struct{} }

// New checks the rules; the error names the bad entry.
func New(r Rules) (*Client, error) { panic("stub") }

// Do implements hostapi.HTTPClient. req: {"method"?,"url","headers"?,"query"?,"body"?,"timeout"?,"followRedirects"?}, the
// config of http-request. Response: {"status","headers","body","encoding"?}. Errors are *hostapi.Failure with fixed texts.
func (c *Client) Do(ctx context.Context, req []byte, o hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	panic("stub")
}

// Close drops idle connections.
func (c *Client) Close() { panic("stub") }
