//go:build unix

package integration

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/flowtrux/edge/internal/crash"
	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/store/etcd/etcdtest"
)

// TestAcceptedWhileDraining: a server that is asked to end accepts webhooks for as long as it takes
// requests, although it runs no more of them. The next start does.
func TestAcceptedWhileDraining(t *testing.T) {
	// Caddy stops its apps in random order. If the HTTP server is first, there is nothing to see.
	t.Run("bbolt", func(t *testing.T) {
		for range 4 {
			acceptWhileDraining(t)
		}
	})
	t.Run("postgres", func(t *testing.T) {
		database, err := pgtest.Start()
		must(t, err)
		t.Cleanup(func() { must(t, database.Stop()) })
		cluster := etcdtest.Debian(t)
		for round := range 2 {
			acceptWhileDraining(t, func(c *crash.Config) {
				c.StoreIn, c.Store = "etcd http://"+cluster.Address, fmt.Sprintf("prefix /drain%d/", round)
				c.Kept = fmt.Sprintf("postgres postgres://%s@127.0.0.1:%d/postgres?sslmode=disable", pgtest.User, database.Port)
				c.Journal = fmt.Sprintf("schema drain%d\nlease 10s", round)
			})
		}
	})
}

func acceptWhileDraining(t *testing.T, configure ...func(*crash.Config)) {
	t.Helper()
	target := recording(t)
	s := child(t, target, configure...)
	must(t, s.Start(t.Context()))
	must(t, s.Put(t.Context(), "held", calling(target.URL+"/hold", "a")))
	must(t, s.Put(t.Context(), "order", calling(target.URL, "a")))
	eventually(t, "the workflows serve", func() bool {
		for _, workflow := range []string{"order", "held"} {
			a, err := s.Send(t.Context(), crash.Request{Workflow: workflow, Body: `{}`})
			if err != nil || a.Status != http.StatusOK {
				return false
			}
		}
		return true
	})
	must(t, target.WaitHolding(t.Context().Done()))
	load := s.Load(t.Context(), 4, "order")
	must(t, load.WaitAccepted(20, patience))
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	eventually(t, "it is ending", func() bool { return strings.Contains(s.Log(), "exiting") })
	must(t, load.WaitMore(100, patience))
	target.ReleaseAll()
	must(t, <-stopped)
	accepted, rejected := load.Stop()
	delete(rejected, "no response")
	// A busy machine may get what PostgreSQL takes too long for.
	if closed := strings.Contains(s.Log(), journal.ErrClosed.Error()); closed || len(rejected) > 0 && len(configure) == 0 {
		t.Errorf("responses while it ends: %v; of a closed journal: %v", rejected, closed)
	}
	calls := target.Calls()
	must(t, s.Start(t.Context()))
	must(t, s.WaitDrained(t.Context(), patience))
	must(t, s.Stop())
	for k, n := range target.Calls() {
		calls[k] += n
	}
	for _, id := range accepted {
		if calls[key(id, "a")] == 0 {
			t.Errorf("%s was accepted and has not run", id)
		}
	}
}
