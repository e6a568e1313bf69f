//go:build unix

package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
)

// The nodes of the workflow, one after the other. Each calls the target.
var nodes = [2]string{"first", "second"}

// target is a server that the nodes call. It records who has called. It is safe for concurrent use.
type target struct {
	address string // host:port
	server  *http.Server

	mu    sync.Mutex
	calls map[string]*[len(nodes)]int // of each node, by execution
	late  []string                    // executions whose first node ran after the second had
	held  chan struct{}               // responses wait until it is closed; nil = they do not
	from  int                         // the first node whose responses wait
}

func startTarget() (*target, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &target{address: l.Addr().String(), calls: make(map[string]*[len(nodes)]int)}
	t.server = &http.Server{Handler: t}
	go func() { _ = t.server.Serve(l) }() // ends with stop
	return t, nil
}

func (t *target) stop() error { return t.server.Close() }

// ServeHTTP records the call of a node, whose key is its execution, its id and its index.
func (t *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	var held chan struct{}
	key := r.Header.Get("Idempotency-Key")
	for i, node := range nodes {
		execution, ok := strings.CutSuffix(key, "-"+node+"-0")
		if !ok {
			continue
		}
		calls := t.calls[execution]
		if calls == nil {
			calls = new([len(nodes)]int)
			t.calls[execution] = calls
		}
		// The second node starts when the first one's checkpoint is stored.
		if i == 0 && calls[1] > 0 {
			t.late = append(t.late, execution)
		}
		calls[i]++
		if i >= t.from {
			held = t.held
		}
	}
	t.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{}`)) // the caller may have been killed
}

// hold makes the responses to a node, and to those after it, wait until release.
func (t *target) hold(node int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.from, t.held = node, make(chan struct{})
}

// release sends all responses. It is idempotent.
func (t *target) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held != nil {
		close(t.held)
		t.held = nil
	}
}

// count returns how many of the executions have called at least n times by a node.
func (t *target) count(executions map[string]bool, node, n int) (many int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range executions {
		if calls := t.calls[id]; calls != nil && calls[node] >= n {
			many++
		}
	}
	return many
}

// nodeCalls returns how often each node of the executions has called, together.
func (t *target) nodeCalls(executions map[string]bool) (sum [len(nodes)]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range executions {
		if calls := t.calls[id]; calls != nil {
			for i, n := range calls {
				sum[i] += n
			}
		}
	}
	return sum
}

// reached are the calls of the nodes of executions.
type reached struct {
	missing []string // executions of which a node never called
	again   int      // calls by nodes that had called before, and had no checkpoint yet
	late    []string // executions of which a node called although it had a checkpoint
}

// reachedBy returns the calls of executions.
func (t *target) reachedBy(executions map[string]bool) (r reached) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range executions {
		calls := t.calls[id]
		if calls == nil {
			r.missing = append(r.missing, id)
			continue
		}
		for _, n := range calls {
			if n == 0 {
				r.missing = append(r.missing, id)
				break
			}
			r.again += n - 1
		}
	}
	r.late = append(r.late, t.late...)
	return r
}

// order is the workflow: it calls the target twice. A sender that repeats a webhook sends its key
// again.
func (t *target) order(mode string) string {
	var steps, edges strings.Builder
	before := "trigger"
	for _, node := range nodes {
		fmt.Fprintf(&steps, `,{"id":%q,"type":"http-request","config":{"method":"POST","url":"http://%s/","body":"{{trigger.data}}"}}`, node, t.address)
		fmt.Fprintf(&edges, `,{"source":%q,"target":%q}`, before, node)
		before = node
	}
	return fmt.Sprintf(`{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{
		"responseMode":%q,"statusCode":200,"idempotency":{"header":"Idempotency-Key"}}}}%s],"edges":[%s]}`,
		mode, steps.String(), edges.String()[1:])
}
