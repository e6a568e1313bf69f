//go:build unix

package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowtrux/edge/internal/crash"
)

// senders send webhooks to the balancer until they are stopped, each one as soon as the one before
// is accepted. What is not accepted they send again with the same idempotency key, as senders of
// webhooks do.
type senders struct {
	site   string
	client *http.Client
	stop   context.CancelFunc
	all    sync.WaitGroup
	next   atomic.Int64

	mu  sync.Mutex
	saw saw
}

// saw is what senders saw. Its maps grow with what was sent.
type saw struct {
	accepted  int
	refused   map[string]int // responses of other kinds, and how often each came
	longest   time.Duration  // from the first try to the acceptance
	last      time.Time      // the last acceptance
	ids       map[string]bool
	given     []string // keys that senders have given up
	ambiguous int      // webhooks that were repeated although an execution had begun
}

// pause is how long a sender waits before it sends a webhook again. Real ones wait for longer.
const pause = 50 * time.Millisecond

// refusedForNow is the response when executions cannot be accepted for a while.
const refusedForNow = "503 with Retry-After"

// load starts n senders.
func (f *fleet) load(ctx context.Context, n int) *senders {
	going, stop := context.WithCancel(ctx)
	s := &senders{
		site: f.balancer.site, stop: stop,
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: n}},
		saw:    saw{refused: make(map[string]int), ids: make(map[string]bool)},
	}
	for range n {
		s.all.Go(func() {
			for going.Err() == nil {
				s.deliver(ctx, fmt.Sprintf("webhook-%d", s.next.Add(1)))
			}
		})
	}
	return s
}

// deliver sends a webhook until it is accepted, also when the senders are stopped meanwhile: then
// what the sender knows is complete. The end of ctx ends it.
func (s *senders) deliver(ctx context.Context, key string) {
	began := time.Now()
	for time.Since(began) < patience && ctx.Err() == nil {
		id, replayed, refusal := s.send(ctx, key)
		s.mu.Lock()
		if refusal == "" {
			s.saw.accepted++
			s.saw.ids[id] = true
			s.saw.last = time.Now()
			s.saw.longest = max(s.saw.longest, s.saw.last.Sub(began))
			if replayed {
				s.saw.ambiguous++
			}
			s.mu.Unlock()
			return
		}
		s.saw.refused[refusal]++
		s.mu.Unlock()
		time.Sleep(pause)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saw.given = append(s.saw.given, key)
}

// send sends a webhook once. refusal is what came instead of an acceptance.
func (s *senders) send(ctx context.Context, key string) (id string, replayed bool, refusal string) {
	body := fmt.Sprintf(`{"order":%q}`, key)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.site+"/api/webhooks/"+workflow, strings.NewReader(body))
	if err != nil {
		return "", false, err.Error()
	}
	mac := hmac.New(sha256.New, []byte(crash.Secret))
	mac.Write([]byte(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Webhook-Signature", hex.EncodeToString(mac.Sum(nil)))
	req.Header.Set("Idempotency-Key", key)
	resp, err := s.client.Do(req)
	if err != nil {
		return "", false, "no response"
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "", false, "half a response"
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Header.Get("X-Execution-Id"), resp.Header.Get("Idempotency-Replayed") != "", ""
	}
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" {
		return "", false, refusedForNow
	}
	return "", false, fmt.Sprint(resp.StatusCode)
}

// sofar returns what the senders saw since the last call.
func (s *senders) sofar() saw {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.saw
	s.saw = saw{refused: make(map[string]int), ids: make(map[string]bool)}
	return now
}

// end stops the senders when each webhook that was sent is accepted.
func (s *senders) end() {
	s.stop()
	s.all.Wait()
	s.client.CloseIdleConnections()
}

// add adds what senders saw later.
func (s *saw) add(more saw) {
	if s.refused == nil {
		s.refused, s.ids = make(map[string]int), make(map[string]bool)
	}
	s.accepted += more.accepted
	s.ambiguous += more.ambiguous
	s.longest = max(s.longest, more.longest)
	s.given = append(s.given, more.given...)
	maps.Copy(s.ids, more.ids)
	for what, n := range more.refused {
		s.refused[what] += n
	}
}

// awaitRefusal waits until a webhook is refused as it has to be without a database.
func (s *senders) awaitRefusal(ctx context.Context) error {
	return poll(ctx, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.saw.refused[refusedForNow] == 0 {
			return fmt.Errorf("no webhook is refused for now; senders see %v", s.saw.refused)
		}
		return nil
	})
}
