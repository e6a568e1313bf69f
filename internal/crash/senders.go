package crash

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Senders send webhooks as fast as they are answered, until they are stopped, and take down what
// was promised.
type Senders struct {
	server *Server
	client *http.Client
	stop   context.CancelFunc
	all    sync.WaitGroup

	mu      sync.Mutex
	more    sync.Cond // of ids and ended
	ids     []string  // what was answered 200
	refused map[string]int
	ended   bool
}

// pause is how long a sender waits after a webhook that was not accepted.
const pause = 5 * time.Millisecond

// Load starts n senders for a workflow in mode minimal, which go on until Stop is called.
func (s *Server) Load(ctx context.Context, n int, workflow string) *Senders {
	ctx, stop := context.WithCancel(ctx)
	x := &Senders{
		server: s, stop: stop, refused: make(map[string]int),
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: n}},
	}
	x.more.L = &x.mu
	for g := range n {
		x.all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if !x.once(ctx, workflow, fmt.Sprintf(`{"sender":%d,"n":%d}`, g, i)) {
					time.Sleep(pause)
				}
			}
		})
	}
	return x
}

// once sends a webhook and takes down what came of it. A request that is under way when the senders
// are stopped is answered, or not, but never forgotten.
func (x *Senders) once(ctx context.Context, workflow, body string) (accepted bool) {
	a, err := x.server.send(context.WithoutCancel(ctx), x.client, workflow, []byte(body))
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case err != nil:
		x.refused["no answer"]++
	case a.Status != http.StatusOK:
		x.refused[fmt.Sprintf("HTTP %d, Retry-After: %s", a.Status, a.Header.Get("Retry-After"))]++
	default:
		x.ids = append(x.ids, a.Header.Get("X-Execution-Id"))
		accepted = true
	}
	x.more.Broadcast()
	return accepted
}

// Accepted waits until so many webhooks were accepted, or the senders were stopped, or patience is
// over.
func (x *Senders) Accepted(many int, patience time.Duration) error {
	return x.until(patience, fmt.Sprintf("%d are accepted", many), func() bool { return len(x.ids) >= many })
}

// Refused waits until a webhook was refused.
func (x *Senders) Refused(patience time.Duration) error {
	return x.until(patience, "one is refused", func() bool { return len(x.refused) > 0 })
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
			return x.server.Failed(fmt.Errorf("waiting until %s: %d are, refused were %v", what, len(x.ids), x.refused))
		}
		x.more.Wait()
	}
	return nil
}

// Stop ends the senders and returns the ids of all that was accepted, and what else they got and
// how often.
func (x *Senders) Stop() (accepted []string, refused map[string]int) {
	x.stop()
	x.all.Wait()
	x.client.CloseIdleConnections()
	return x.ids, x.refused
}
