package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// pace is the pause of a sender between two requests. The test is about reloads, not about the
// speed of the machine.
const pace = 25 * time.Millisecond

// TestReloadUnderLoad reloads a hundred times, half of them with a changed config. Senders of a
// waiting mode and of minimal never stop. Each request gets the right response, each accepted
// execution runs, and nothing leaks.
func TestReloadUnderLoad(t *testing.T) {
	s := start(t)
	s.keepSocket()
	configs := []string{
		s.caddyfile("limits {\n executions 64\n }", ""),
		s.caddyfile("limits {\n executions 65\n }", ""),
	}
	s.load(configs[0])
	eventually(t, "the store has loaded", func() bool {
		return s.ask(http.MethodGet, "workflows", "").status == http.StatusOK
	})
	s.put("wait", echo("lastNode"))
	s.put("quick", echo("minimal"))
	for i := range 2 { // warm up both configs before counting goroutines
		s.load(configs[i])
	}
	before := runtime.NumGoroutine()

	var sent, accepted atomic.Int64
	var senders sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for i := range 3 {
		senders.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				path, want := "/api/webhooks/wait", fmt.Sprintf(`{"got":{"n":%d,"_query":{}}}`, n)
				if i%2 == 1 {
					path, want = "/api/webhooks/quick", ""
				}
				a, err := s.tryPost(path, fmt.Sprintf(`{"n":%d}`, n))
				if unanswered(err) {
					continue
				}
				if err != nil || a.status != http.StatusOK || (want != "" && a.body != want) {
					t.Errorf("%s: %v %d %s", path, err, a.status, a.body)
					return
				}
				sent.Add(1)
				if want == "" {
					accepted.Add(1)
				}
				time.Sleep(pace)
			}
		})
	}
	const reloads, responses = 100, 100
	n := 0
	for ; n < reloads || sent.Load() < responses; n++ {
		if err := s.tryLoad(configs[n%len(configs)]); err != nil {
			t.Errorf("reload %d: %v", n, err)
			break
		}
		if n == 100*reloads {
			t.Errorf("only %d requests got a response during %d reloads", sent.Load(), n)
			break
		}
	}
	stop()
	senders.Wait()
	eventually(t, "all accepted executions have ended", func() bool {
		return containsAll(s.ask(http.MethodGet, "status", "").body, `"pending": 0`, `"running": 0`)
	})
	eventually(t, fmt.Sprintf("goroutines are back at about %d", before), func() bool {
		return runtime.NumGoroutine() <= before+5
	})
	t.Logf("%d requests, %d of them minimal, over %d reloads", sent.Load(), accepted.Load(), n)
}

// unanswered reports whether a connection was closed without a byte of a response. net/http closes
// a connection if it has just read the request when its server begins to shut down
// (https://go.dev/src/net/http/server.go, conn.serve). Such a request reaches no handler. Senders
// and proxies resend it.
func unanswered(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}

// TestFailingReloadLeavesTheOldConfigServing loads configs that cannot work while one that works is
// running.
func TestFailingReloadLeavesTheOldConfigServing(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	eventually(t, "the store has loaded", func() bool {
		return s.ask(http.MethodGet, "workflows", "").status == http.StatusOK
	})
	s.put("wait", echo("lastNode"))
	for name, app := range map[string]string{
		"a node file that is not there": "node mine /does/not/exist.wasm",
		"a node file that is not wasm":  "node mine " + root(t) + "/go.mod",
		"a bad egress rule":             "egress {\n allow 10.0.0.0/99\n }",
	} {
		if err := s.tryLoad(s.caddyfile(app, "")); err == nil {
			t.Errorf("%s: the config was accepted", name)
		}
		if a := s.post("/api/webhooks/wait", `{}`); a.status != http.StatusOK {
			t.Errorf("%s: then %d %s", name, a.status, a.body)
		}
	}
	s.load(s.caddyfile("", "prefix /hooks/"))
	if a := s.post("/hooks/wait", `{}`); a.status != http.StatusOK {
		t.Errorf("after a good config: %d %s", a.status, a.body)
	}
}
