package main

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Limits of open-loop load.
const (
	openConnections = 256
	maxOpenRequests = 1_000_000
	openTimeout     = 10 * time.Second // without any response
)

// openLoad sends requests at a fixed rate, independent of responses, like senders that do not know
// each other: a server that pauses gets all requests of that time at once. Latencies count from the
// time when a request was due, so that they include the wait for a free connection.
type openLoad struct {
	address netip.AddrPort
	request request
	rate    float64 // requests per second
	time    time.Duration
}

// openResult holds the times of all requests of an openLoad.
type openResult struct {
	took []time.Duration // from when a request was due to its response, in the order of requests
	// late has the sender's own part of took: how long a request that was due, and had a free
	// connection, waited for the sender. They are in order of size.
	late []time.Duration
}

// due returns when a request is sent, relative to the start.
func (l openLoad) due(i int) time.Duration {
	return time.Duration(float64(i) / l.rate * float64(time.Second))
}

// count returns the number of requests.
func (l openLoad) count() int { return min(int(l.rate*l.time.Seconds()), maxOpenRequests) }

// sorted returns the latencies in order of size.
func (r openResult) sorted() []time.Duration { return slices.Sorted(slices.Values(r.took)) }

// rawRequest returns a signed webhook in HTTP/1.1.
func rawRequest(host string, r request) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nX-Webhook-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		r.path, host, signature(r.body), len(r.body), r.body)
}
