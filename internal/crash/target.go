package crash

import (
	"errors"
	"maps"
	"net"
	"net/http"
	"sync"
)

// Target is a server that http-request nodes call. It records the Idempotency-Key of each request,
// and responds with `{}`.
type Target struct {
	URL     string
	Address string // host:port
	server  *http.Server

	mu      sync.Mutex
	quiet   sync.Cond // of open
	open    map[net.Conn]bool
	calls   map[string]int // by key, since the last Calls
	holding chan struct{}  // closed when requests to /hold are answered
	held    chan struct{}  // a token for each request to /hold
}

// maxHeld is the most requests to /hold that are counted before WaitHolding.
const maxHeld = 1024

// NewTarget starts a target on loopback.
func NewTarget() (*Target, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &Target{
		URL: "http://" + l.Addr().String(), Address: l.Addr().String(),
		open: make(map[net.Conn]bool), calls: make(map[string]int), holding: make(chan struct{}), held: make(chan struct{}, maxHeld),
	}
	t.quiet.L = &t.mu
	t.server = &http.Server{Handler: t, ConnState: t.connection}
	go func() { _ = t.server.Serve(l) }() // ends with Close
	return t, nil
}

// Close stops the target. Requests that wait at /hold fail.
func (t *Target) Close() error { return t.server.Close() }

func (t *Target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	t.calls[r.Header.Get("Idempotency-Key")]++
	holding := t.holding
	t.mu.Unlock()
	if r.URL.Path == "/hold" {
		select {
		case t.held <- struct{}{}:
		default:
		}
		select {
		case <-holding:
		case <-r.Context().Done():
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{}`)) // the caller may have been killed
}

// WaitHolding waits for a request to /hold. Closing cancelled ends the wait.
func (t *Target) WaitHolding(cancelled <-chan struct{}) error {
	select {
	case <-t.held:
		return nil
	case <-cancelled:
		return errors.New("no request to /hold has come")
	}
}

// ReleaseAll answers all requests to /hold, present and future.
func (t *Target) ReleaseAll() { close(t.holding) }

// connection tracks open connections.
func (t *Target) connection(c net.Conn, s http.ConnState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch s {
	case http.StateNew:
		t.open[c] = true
	case http.StateClosed, http.StateHijacked:
		delete(t.open, c)
		t.quiet.Broadcast()
	}
}

// Calls returns how often each key was sent since the previous Calls. It must be called after the
// end of the server, and waits until the last request that the server has sent is read.
func (t *Target) Calls() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.open) > 0 {
		t.quiet.Wait()
	}
	calls := maps.Clone(t.calls)
	clear(t.calls)
	return calls
}
