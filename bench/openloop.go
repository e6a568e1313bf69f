package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of open-loop load.
const (
	openConnections = 64
	maxOpenRequests = 1_000_000
	openTimeout     = 10 * time.Second // for one response
)

// openLoad sends requests at a fixed rate, independent of responses, like senders that do not know
// each other: a server that pauses gets all requests of that time at once. Latencies count from the
// time when a request was due, so that they include the wait for a free connection.
type openLoad struct {
	address string // host:port
	request request
	rate    float64 // requests per second
	time    time.Duration
}

// due returns when a request is sent, relative to the start.
func (l openLoad) due(i int) time.Duration {
	return time.Duration(float64(i) / l.rate * float64(time.Second))
}

// count returns the number of requests.
func (l openLoad) count() int { return min(int(l.rate*l.time.Seconds()), maxOpenRequests) }

// run sends all requests and returns their latencies in order.
func (l openLoad) run(ctx context.Context) ([]time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	took := make([]time.Duration, l.count())
	var next atomic.Int64
	var senders sync.WaitGroup
	start := time.Now()
	for range openConnections {
		senders.Go(func() {
			if err := l.send(ctx, start, &next, took); err != nil {
				cancel(err)
			}
		})
	}
	senders.Wait()
	return took, context.Cause(ctx)
}

// send sends requests over one connection: it takes the next request, waits until it is due, and
// sends it.
func (l openLoad) send(ctx context.Context, start time.Time, next *atomic.Int64, took []time.Duration) error {
	c, err := dial(ctx, l.address)
	if err != nil {
		return err
	}
	defer c.Close()
	text := rawRequest(l.address, l.request)
	for {
		i := int(next.Add(1) - 1)
		if i >= len(took) {
			return nil
		}
		due := start.Add(l.due(i))
		if wait := time.Until(due); wait > 0 {
			if err := rest(ctx, wait); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := c.ask(text, l.request.status); err != nil {
			return err
		}
		took[i] = time.Since(due)
	}
}

// rawRequest returns a signed webhook in HTTP/1.1.
func rawRequest(host string, r request) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nX-Webhook-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		r.path, host, signature(r.body), len(r.body), r.body)
}

// connection is a client that does as little work as possible, because it shares the machine with
// the server that it measures.
type connection struct {
	net.Conn
	r *bufio.Reader
}

func dial(ctx context.Context, address string) (*connection, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &connection{c, bufio.NewReader(c)}, nil
}

var errHead = errors.New("not the head of a response with a length")

// ask sends a request and discards the body of the response. Any other status is an error.
func (c *connection) ask(request []byte, status int) error {
	length, err := c.head(request, status)
	if err != nil {
		return err
	}
	_, err = c.r.Discard(length)
	return err
}

// body is like ask but returns the body of the response.
func (c *connection) body(request []byte, status int) ([]byte, error) {
	length, err := c.head(request, status)
	if err != nil {
		return nil, err
	}
	body := make([]byte, length)
	_, err = io.ReadFull(c.r, body)
	return body, err
}

// head sends a request, reads the response up to its body, and returns the length of the body.
func (c *connection) head(request []byte, status int) (length int, err error) {
	if err := c.SetDeadline(time.Now().Add(openTimeout)); err != nil {
		return 0, err
	}
	if _, err := c.Write(request); err != nil {
		return 0, err
	}
	got, length, err := readHead(c.r)
	if err == nil && got != status {
		body := make([]byte, min(length, 500))
		_, _ = c.r.Read(body)
		err = fmt.Errorf("HTTP %d, not %d: %s", got, status, body)
	}
	return length, err
}

// readHead reads the status line and the headers of a response with a Content-Length.
func readHead(r *bufio.Reader) (status, length int, err error) {
	length = -1
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case first:
			text, ok := strings.CutPrefix(string(line), "HTTP/1.1 ")
			if !ok || len(text) < 3 {
				return 0, 0, errHead
			}
			if status, err = strconv.Atoi(text[:3]); err != nil {
				return 0, 0, errHead
			}
		case len(line) == 0:
			if length < 0 || status < http.StatusOK {
				return 0, 0, errHead
			}
			return status, length, nil
		case bytes.HasPrefix(line, []byte("Content-Length: ")):
			if length, err = strconv.Atoi(string(line[len("Content-Length: "):])); err != nil || length < 0 {
				return 0, 0, errHead
			}
		}
	}
}
