// Package egress is the HTTP client behind the http capability: the only way from a node to the
// network. Nodes are written by people that the operator need not trust, and their URLs may come
// from senders. So the client prevents that it is used as a way into the operator's own network:
//
//   - It dials only public addresses, plus what [Rules] allow. It checks the address that is
//     dialed, after the name was resolved, for every connection of every redirect. A name that
//     resolves differently the second time (DNS rebinding) gains nothing.
//   - A redirect to another origin carries no secrets, headers or body that the node meant for the
//     first one, and never leads from https to http.
//   - Size, time, redirects and connections are limited. A compressed response counts by its
//     decompressed size.
//   - Proxy variables of the environment are ignored. There are no cookies, and no credentials from
//     URLs.
//
// A node gets only a code and a fixed text for a failure, without URLs or addresses.
//
// The package is not a firewall: where the operator's network can be reached under public
// addresses, it has to be protected as against any other machine in the world.
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

// Limits of all clients.
const (
	defaultTimeout     = 10 * time.Second
	defaultMaxResponse = 1 << 20 // bytes
	maxRedirects       = 5

	dialTimeout       = 10 * time.Second // of a connection, which other requests may wait for too
	idleTimeout       = 90 * time.Second
	pingAfter         = 15 * time.Second // of silence on an HTTP/2 connection
	maxIdle           = 256              // idle connections
	maxIdlePerHost    = 32
	maxPerHost        = 256
	maxResponseHeader = 64 << 10 // bytes
)

// Client sends the requests of the http capability. It is safe for concurrent use. It pools
// connections. All its users are subject to the same Rules, so that a pooled connection leads
// nowhere that its next user could not have dialed.
type Client struct {
	guard     guard
	transport *http.Transport
	buffers   sync.Pool // *bytes.Buffer
}

var _ hostapi.HTTPClient = (*Client)(nil)

// New checks the rules; the error names the bad entry. It dials and starts nothing.
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

// Close closes idle connections. Requests that run continue, and the client can still be used.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Do sends one request and appends the response to dst. It retains neither req nor dst.
//
// req is a JSON object, the config of the node type http-request. A key with the value null counts
// as absent.
//
//	method           a token, GET by default; converted to upper case; not CONNECT or TRACE
//	url              http or https, without user information
//	headers          an object of strings, numbers and booleans; not those of the connection or the
//	                 message's framing
//	query            an object of strings, numbers, booleans and arrays of them, appended to the
//	                 URL's query
//	body             a string is sent as it is, as text/plain unless headers name another type; any
//	                 other value as JSON or, if it is an object and headers name
//	                 application/x-www-form-urlencoded, as a form in UTF-8, encoded like query; an
//	                 object or array with another type that is not JSON's is an error
//	timeout          a Go duration, 10s by default, from the connection to the last byte
//	followRedirects  true by default; otherwise a redirect is a response like any other
//
// failOnStatus is for the node and ignored here; any other key is an error.
//
// The response is a JSON object:
//
//	{"status":200,"headers":{"content-type":"application/json","set-cookie":["a=1","b=2"]},"body":{"any":"JSON"}}
//	{"status":200,"headers":{},"body":"AAEC","encoding":"base64"}
//
// Header names are in lower case and sorted. Values of the same name are joined by ", ", but
// set-cookie is always an array, because its values cannot be separated once joined. body is JSON,
// in the form of rawjson.AppendCanonical, if the Content-Type says JSON and it is valid; otherwise
// text if it is UTF-8; otherwise base64, as encoding says. A body of a text type is first converted
// to UTF-8, by its byte-order mark or the charset of the Content-Type; the mark is removed.
//
// Errors are *hostapi.Failure with the codes of this package, and dst is returned unchanged. The
// time limit is the request's timeout, or a little less than what is left of ctx, so that a node
// has time to handle the failure. If a pooled connection turns out to be closed before a byte of
// the response, the request is sent again; one with a method that is not idempotent only if it has
// an Idempotency-Key.
func (c *Client) Do(ctx context.Context, req []byte, o hostapi.HTTPOptions, dst []byte) (out []byte, err error) {
	r, err := parseRequest(req)
	if err != nil {
		return dst, err
	}
	status := 0
	if o.Trace != nil {
		o.Trace.Begin(r.method, r.url, r.header)
		defer func() { o.Trace.End(status, err) }()
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
	status = resp.StatusCode
	body, err := c.read(resp.Body, o.MaxResponse)
	if err != nil {
		return dst, failed(ctx, r, err)
	}
	defer c.releaseBuffer(body)
	text, own, err := c.decodeText(resp.Header, body.Bytes(), o.MaxResponse)
	switch {
	case errors.Is(err, errCharset):
		return dst, unreadable(r, resp)
	case err != nil:
		return dst, failed(ctx, r, err)
	}
	defer c.releaseBuffer(own)
	return appendResponse(dst, resp, text), nil
}

// deadline returns when a request has to end: after its timeout, and early enough before the end of
// ctx for its own error to be of use.
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
