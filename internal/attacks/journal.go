package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowtrux/edge/internal/crash"
)

// keptResponses fills a small journal with large responses that are stored for the idempotency keys
// of one workflow.
func keptResponses(ctx context.Context, s *scene) error {
	v, err := s.serve(ctx, crash.Config{Journal: "max_bytes 64MiB"})
	if err != nil {
		return err
	}
	if err := v.put(ctx, map[string]string{
		"keyed": keyed("{{trigger.data.pad}}"),
		"other": accepting(),
	}); err != nil {
		return err
	}
	answered := 0
	right, of := v.beside(ctx, request{id: "other", body: "{}"}, 100*time.Millisecond, func() {
		for k := range 120 {
			if v.send(ctx, request{id: "keyed", body: `{"pad":"` + strings.Repeat("a", 900_000) + `"}`, key: fmt.Sprint(k)}).status == 200 {
				answered++
			}
		}
	})
	s.share("while one workflow stores 120 responses of 900 KB: another is accepted within 1 s", right, of)
	again := v.send(ctx, request{id: "keyed", body: `{"pad":"` + strings.Repeat("a", 900_000) + `"}`, key: "0"})
	s.is("resending its first key", fmt.Sprintf("%d, replayed %s", again.status, again.header.Get("Idempotency-Replayed")), "200, replayed true",
		again.status == 200 && again.header.Get("Idempotency-Replayed") == "true")
	info, err := os.Stat(v.Journal)
	if err != nil {
		return err
	}
	s.atMost("size of the journal file, max_bytes 64MiB", float64(info.Size())/mib, 64*1.25, " MiB")
	return nil
}

// slowService starts an HTTP server that responds to each request after a delay.
func slowService(delay time.Duration) (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	service := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusNoContent)
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = service.Serve(l) }) // returns after Close
	return l.Addr().String(), func() { _ = service.Close(); serving.Wait() }, nil
}

// many sends n webhooks, 16 at a time, and counts those that got the status.
func (v *server) many(ctx context.Context, n int, of func(k int) request, status int) int {
	var next, got atomic.Int64
	var senders sync.WaitGroup
	for range 16 {
		senders.Go(func() {
			for k := next.Add(1); k <= int64(n); k = next.Add(1) {
				if v.send(ctx, of(int(k))).status == status {
					got.Add(1)
				}
			}
		})
	}
	senders.Wait()
	return int(got.Load())
}

// acceptedQueue has the server accept a thousand executions that each wait a second, and then one
// of another workflow.
func acceptedQueue(ctx context.Context, s *scene) error {
	address, stop, err := slowService(time.Second)
	if err != nil {
		return err
	}
	defer stop()
	v, err := s.serve(ctx, crash.Config{Options: "egress {\nallow " + address + "\n}"})
	if err != nil {
		return err
	}
	if err := v.put(ctx, map[string]string{
		"slow":  calling(object{"responseMode": "minimal"}, address),
		"other": accepting(),
	}); err != nil {
		return err
	}
	accepted := v.many(ctx, 1000, func(int) request { return request{id: "slow", body: "{}"} }, 200)
	s.is("accepted executions that wait for a second", fmt.Sprint(accepted), "1000", accepted == 1000)
	began := time.Now()
	id := v.send(ctx, request{id: "other", body: "{}"}).execution()
	if err := v.wait(ctx, time.Minute, "an execution", func() bool {
		e, err := v.execution(ctx, id)
		return err == nil && e.Status == "succeeded"
	}); err != nil {
		return err
	}
	s.seconds("another workflow's execution, queued after them, has ended", time.Since(began), 2*time.Second)
	return nil
}

// allShares has one workflow use its whole share of slots, pending executions and keys at the same
// time.
func allShares(ctx context.Context, s *scene) error {
	address, stop, err := slowService(time.Second)
	if err != nil {
		return err
	}
	defer stop()
	v, err := s.serve(ctx, crash.Config{
		Options: "egress {\nallow " + address + "\n}\nlimits {\nexecutions 16\n}", Journal: "max_pending 400\nmax_bytes 64MiB",
	})
	if err != nil {
		return err
	}
	if err := v.put(ctx, map[string]string{
		"accepted": calling(object{"responseMode": "minimal", "idempotency": object{"header": keyHeader}}, address),
		"waiting":  one(nil),
		"other":    accepting(),
	}); err != nil {
		return err
	}
	attacking, end := context.WithCancel(ctx)
	var attackers sync.WaitGroup
	var refused atomic.Int64
	pad := `{"pad":"` + strings.Repeat("a", 100_000) + `"}`
	for w := range 32 {
		attackers.Go(func() {
			for k := 0; attacking.Err() == nil; k++ {
				if v.send(attacking, request{id: "accepted", body: pad, key: fmt.Sprintf("%d-%d", w, k)}).status == 503 {
					refused.Add(1)
				}
			}
		})
	}
	err = v.wait(ctx, time.Minute, "its share to be full", func() bool { return refused.Load() > 0 })
	for _, id := range []string{"other", "waiting"} {
		right, of := v.beside(ctx, request{id: id, body: "{}"}, 30*time.Millisecond, func() {
			select {
			case <-time.After(5 * time.Second):
			case <-ctx.Done():
			}
		})
		s.share(fmt.Sprintf("while one workflow uses all its shares: workflow %s responds within 1 s", id), right, of)
	}
	end()
	attackers.Wait()
	return err
}

// damagedJournal starts a server repeatedly, each time on a journal with changed bytes.
func damagedJournal(ctx context.Context, s *scene) error {
	v, err := s.serve(ctx, crash.Config{})
	if err != nil {
		return err
	}
	if err := v.put(ctx, map[string]string{
		"minimal": accepting(),
		"keyed":   keyed("{{trigger.data}}"),
	}); err != nil {
		return err
	}
	for k := range 60 {
		v.send(ctx, request{id: []string{"minimal", "keyed"}[k%2], body: `{"pad":"` + strings.Repeat("x", k*200) + `"}`, key: fmt.Sprint(k)})
	}
	if err := v.Stop(); err != nil {
		return err
	}
	good, err := os.ReadFile(v.Journal)
	if err != nil {
		return err
	}
	const starts = 60
	crashed := regexp.MustCompile(`(?m)^(panic:|fatal error:|unexpected fault).*$`)
	serves, refused, crashes, first := 0, 0, 0, ""
	for seed := range starts {
		if err := os.WriteFile(v.Journal, damaged(good, uint64(seed)), 0o600); err != nil {
			return err
		}
		logged := len(v.Log())
		err := v.Start(ctx)
		if err == nil {
			v.send(ctx, request{id: "minimal", body: "{}"})
			v.send(ctx, request{id: "keyed", body: "{}", key: "7"})
			err = v.Stop()
			serves++
		} else {
			v.Kill()
			refused++
		}
		if ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if line := crashed.FindString(v.Log()[logged:]); line != "" {
			if crashes++; crashes == 1 {
				first = fmt.Sprintf(", with seed %d: %s", seed, line)
			}
		}
	}
	s.is(fmt.Sprintf("crashes in starts on damaged files (%d served, %d rejected)%s", serves, refused, first),
		fmt.Sprintf("%d of %d", crashes, starts), "none", crashes == 0)
	return nil
}

// damaged returns a copy of good with a few bytes changed near the start of pages, where headers
// and entries are. The two meta pages stay as they are.
func damaged(good []byte, seed uint64) []byte {
	r, b := rand.New(rand.NewPCG(seed, 0)), append([]byte(nil), good...)
	for range 1 + seed%4 {
		b[(2+r.IntN(len(b)/4096-2))*4096+r.IntN(128)] ^= byte(1 + r.IntN(255))
	}
	return b
}
