package crash

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Senders send webhooks until they are stopped, each one as soon as the previous one was answered,
// and record the responses.
type Senders struct {
	server *Server
	client *http.Client
	stop   context.CancelFunc
	all    sync.WaitGroup

	mu       sync.Mutex
	more     sync.Cond // of ids and ended
	ids      []string  // of accepted executions
	rejected map[string]int
	ended    bool
}

// pause is how long a sender waits after a webhook that was not accepted.
const pause = 5 * time.Millisecond

// Load starts n senders for a workflow of mode minimal. They run until Stop is called.
func (s *Server) Load(ctx context.Context, n int, workflow string) *Senders {
	ctx, stop := context.WithCancel(ctx)
	x := &Senders{
		server: s, stop: stop, rejected: make(map[string]int),
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: n}},
	}
	x.more.L = &x.mu
	for g := range n {
		x.all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if !x.sendOnce(ctx, workflow, fmt.Sprintf(`{"sender":%d,"n":%d}`, g, i)) {
					time.Sleep(pause)
				}
			}
		})
	}
	return x
}

// sendOnce sends a webhook and records the response. It finishes a request that is under way when
// the senders are stopped, so that none is missing from the record.
func (x *Senders) sendOnce(ctx context.Context, workflow, body string) (accepted bool) {
	a, err := x.server.Send(context.WithoutCancel(ctx), Request{Workflow: workflow, Body: body, Client: x.client})
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case err != nil:
		x.rejected["no response"]++
	case a.Status != http.StatusOK:
		x.rejected[fmt.Sprintf("HTTP %d, Retry-After: %s", a.Status, a.Header.Get("Retry-After"))]++
	default:
		x.ids = append(x.ids, a.Header.Get("X-Execution-Id"))
		accepted = true
	}
	x.more.Broadcast()
	return accepted
}

// WaitAccepted waits until so many webhooks were accepted. It returns an error if patience is over
// first.
func (x *Senders) WaitAccepted(many int, patience time.Duration) error {
	return x.until(patience, fmt.Sprintf("%d are accepted", many), func() bool { return len(x.ids) >= many })
}

// WaitRejected waits until a webhook was rejected.
func (x *Senders) WaitRejected(patience time.Duration) error {
	return x.until(patience, "one is rejected", func() bool { return len(x.rejected) > 0 })
}

// WaitMore waits until so many more webhooks were accepted, or one was rejected.
func (x *Senders) WaitMore(many int, patience time.Duration) error {
	x.mu.Lock()
	many += len(x.ids)
	x.mu.Unlock()
	return x.until(patience, fmt.Sprintf("%d are accepted or one is rejected", many), func() bool {
		return len(x.ids) >= many || len(x.rejected) > 0
	})
}

func (x *Senders) until(patience time.Duration, what string, so func() bool) error {
	late := time.AfterFunc(patience, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.ended = true
		x.more.Broadcast()
	})
	defer late.Stop()
	x.mu.Lock()
	defer x.mu.Unlock()
	for !so() {
		if x.ended {
			return x.server.WithLog(fmt.Errorf("waiting until %s: %d are, rejected were %v", what, len(x.ids), x.rejected))
		}
		x.more.Wait()
	}
	return nil
}

// Stop stops the senders and returns the ids of all accepted executions, and the other responses
// with their numbers.
func (x *Senders) Stop() (accepted []string, rejected map[string]int) {
	x.stop()
	x.all.Wait()
	x.client.CloseIdleConnections()
	return x.ids, x.rejected
}
