// Package egress is the HTTP client of the http capability: the one way from a node to the network.
// Nodes are written by people whom the operator need not trust, and their URLs may come from
// senders, so the client is built against being used as a way into the operator's own network:
//
//   - It dials public addresses only, plus what [Rules] allow. The address that is checked is the
//     one that is dialled, after its name was resolved, on every connection of every redirect: a
//     name that resolves differently the second time (DNS rebinding) gains nothing.
//   - A redirect to another origin takes no secrets, no headers and no body along that the node
//     meant for the first one, and never leads from https to http.
//   - Size, time, number of redirects and connections are bounded. A compressed answer counts by
//     its decompressed size.
//   - Proxy variables of the environment are ignored, there are no cookies and no credentials from
//     URLs.
//
// What a node gets to see of a failure is a code and a fixed text, without URLs or addresses.
//
// It is not a firewall: where the operator's network can be reached under public addresses, it has
// to be protected as it is against any other machine in the world.
package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// Bounds of all clients.
const (
	defaultTimeout     = 10 * time.Second
	defaultMaxResponse = 1 << 20 // bytes
	maxRedirects       = 5

	dialTimeout       = 10 * time.Second // of a connection that others may wait for, too
	idleTimeout       = 90 * time.Second
	pingAfter         = 15 * time.Second // of silence on an HTTP/2 connection
	maxIdle           = 256              // connections that wait for use
	maxIdlePerHost    = 32
	maxPerHost        = 256
	maxResponseHeader = 64 << 10 // bytes
)

// Client does the requests of the http capability. Safe for concurrent use. It pools connections;
// all its users are held to the same Rules, so a pooled connection leads nowhere that its next user
// could not have dialled itself.
type Client struct {
	guard     guard
	transport *http.Transport
	buffers   sync.Pool // *bytes.Buffer
}

var _ hostapi.HTTPClient = (*Client)(nil)

// New checks the rules; the error names the bad entry. Nothing is dialled or started.
func New(r Rules) (*Client, error) {
	rules, err := r.parse()
	if err != nil {
		return nil, err
	}
	c := &Client{guard: guard{rules: rules}}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(maxIdle)}
	c.transport = &http.Transport{
		Proxy:                  nil,
		DialContext:            c.guard.dial,
		TLSClientConfig:        secure,
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		MaxConnsPerHost:        maxPerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxResponseHeader,
	}
	return c, nil
}

// Close drops idle connections. Requests that run go on, and the client can still be used.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Do does one request and appends the response to dst. Neither req nor dst is kept.
//
// req is a JSON object, the config of the node type http-request. A key whose value is null counts
// as absent.
//
//	method           a token, GET by default; in upper case whatever its case is; not CONNECT or TRACE
//	url              http or https, without user information
//	headers          an object of strings, numbers and booleans; not those of the connection or the message's frame
//	query            an object of strings, numbers, booleans and arrays of them, appended to the
//	                 URL's query
//	body             a string is sent as it is, as text/plain unless headers name another type; any
//	                 other value as JSON, or, if it is an object and headers name
//	                 application/x-www-form-urlencoded, as a form in UTF-8, made like query; an object
//	                 or array with another type that is not JSON's is an error
//	timeout          a Go duration, 10s by default, for everything from the connection to the last byte
//	followRedirects  true by default; otherwise a redirect is a response like any other
//
// failOnStatus is the node's business and passed over; any other key is an error.
//
// The response is a JSON object:
//
//	{"status":200,"headers":{"content-type":"application/json","set-cookie":["a=1","b=2"]},"body":{"any":"JSON"}}
//	{"status":200,"headers":{},"body":"AAEC","encoding":"base64"}
//
// Header names are in lower case and in order; values of one name are joined by ", ", but
// set-cookie is always an array, for its values cannot be told apart once joined. body is JSON, in
// the form of rawjson.AppendCanonical, if the Content-Type says JSON and it is; else text if it is
// UTF-8; else base64, which encoding tells. A body of a type of text is brought to UTF-8 before, by
// its byte-order mark or the charset of the Content-Type; the mark is dropped.
//
// Errors are *hostapi.Failure with the codes of this package, and dst as it was. The time limit is
// the request's timeout, or a little less than what is left of ctx, so that a node still has time
// to handle it. A request may be repeated without the caller's doing when a pooled connection turns
// out to be closed before a byte of the response; for methods that are not idempotent only if they
// carry an Idempotency-Key.
func (c *Client) Do(ctx context.Context, req []byte, o hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	r, err := parseRequest(req)
	if err != nil {
		return dst, err
	}
	r.idempotencyKey, r.secrets = o.IdempotencyKey, o.Secrets
	if o.MaxResponse <= 0 {
		o.MaxResponse = defaultMaxResponse
	}
	ctx, cancel := context.WithDeadline(ctx, deadline(ctx, time.Now(), r.timeout))
	defer cancel()

	resp, err := c.follow(ctx, r, o.Hosts)
	if err != nil {
		return dst, err
	}
	defer resp.Body.Close()
	body, err := c.read(resp.Body, o.MaxResponse)
	if err != nil {
		return dst, failed(ctx, r, err)
	}
	defer c.giveBack(body)
	text, own, err := c.text(resp.Header, body.Bytes(), o.MaxResponse)
	switch {
	case errors.Is(err, errCharset):
		return dst, unreadable(r, resp)
	case err != nil:
		return dst, failed(ctx, r, err)
	}
	defer c.giveBack(own)
	return appendResponse(dst, resp, text), nil
}

// deadline is when a request has to end: after its timeout, and so long before the end of ctx that
// its own error is still of use.
func deadline(ctx context.Context, now time.Time, timeout time.Duration) time.Time {
	end := now.Add(timeout)
	if outer, ok := ctx.Deadline(); ok {
		left := outer.Sub(now)
		if early := now.Add(left - min(left/10, 100*time.Millisecond)); early.Before(end) {
			end = early
		}
	}
	return end
}
