package integration

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/bbolt"
)

var reloads = flag.Int("reloads", 8, "how often TestReloadsDuringLoad loads the config")

// promises counts the results that senders of a workflow in mode minimal got.
type promises struct {
	ids        map[string]bool
	unanswered int // requests whose outcome is unknown
}

// promise sends webhooks from the given number of goroutines until ctx ends.
func (s *server) promise(ctx context.Context, senders int, workflow string) promises {
	p := promises{ids: make(map[string]bool)}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				a, err := s.tryPost("/api/webhooks/"+workflow, fmt.Sprintf(`{"n":%d}`, n))
				mu.Lock()
				switch id := a.header.Get("X-Execution-Id"); {
				case err != nil:
					p.unanswered++
				case a.status != http.StatusOK:
					s.t.Errorf("%d %s", a.status, a.body)
				case p.ids[id]:
					s.t.Errorf("%s was returned twice", id)
				default:
					p.ids[id] = true
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return p
}

// intrusion is the pause between two attempts to open the journal.
const intrusion = 2 * time.Millisecond

// intruder repeatedly tries to open a journal that is in use. It returns the number of attempts
// that failed.
func intruder(ctx context.Context, t *testing.T, file string) (refused int) {
	tick := time.NewTicker(intrusion)
	defer tick.Stop()
	for ; ctx.Err() == nil; <-tick.C {
		other := bbolt.New(file, bbolt.Limits{}, time.Millisecond)
		if err := other.Open(ctx); !errors.Is(err, journal.ErrInUse) {
			t.Errorf("opening the journal a second time: %v, want %v", err, journal.ErrInUse)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
		refused++
	}
	return refused
}

// TestReloadsDuringLoad reloads the config repeatedly, with journal options that change. Nothing
// that was accepted is lost or accepted twice. At no moment can anybody else open the journal's
// file.
func TestReloadsDuringLoad(t *testing.T) {
	const senders = 4
	s := start(t)
	s.keepSocket()
	config := func(n int) string {
		return s.caddyfile(fmt.Sprintf("journal bbolt {\n\t\t\tmax_pending %d\n\t\t}", 100_000+n%2), "")
	}
	s.load(config(0))
	s.loaded()
	s.put("at-once", echo("minimal"))
	ctx, stop := context.WithCancel(t.Context())
	var p promises
	var refused int
	var all sync.WaitGroup
	all.Go(func() { p = s.promise(ctx, senders, "at-once") })
	all.Go(func() {
		refused = intruder(ctx, t, filepath.Join(caddy.AppDataDir(), "flowtrux", "journal", "journal.db"))
	})
	for n := range *reloads {
		if err := s.tryLoad(config(n)); err != nil {
			t.Errorf("reload %d: %v", n, err)
			break
		}
	}
	stop()
	all.Wait()
	eventually(t, "all have ended", func() bool {
		return containsAll(s.ask(http.MethodGet, "status", "").body, `"pending": 0`, `"running": 0`)
	})
	kept := make(map[string]journal.Summary)
	for q := "limit=1000"; q != ""; {
		page := s.executions(q)
		for _, row := range page.Executions {
			kept[row.ID] = row
		}
		if q = ""; page.Next != "" {
			q = "limit=1000&cursor=" + page.Next
		}
	}
	for id := range p.ids {
		if kept[id].Status != journal.Succeeded {
			t.Errorf("%s was accepted and is %+v", id, kept[id])
		}
	}
	if extra := len(kept) - len(p.ids); extra > p.unanswered {
		t.Errorf("the journal has %d executions that no sender knows of; only %d requests got no response", extra, p.unanswered)
	}
	if len(p.ids) == 0 || refused == 0 {
		t.Errorf("%d executions and %d attempts to open the file: nothing was tested", len(p.ids), refused)
	}
	t.Logf("%d executions over %d reloads, %d requests without an answer; %d times was the file in use", len(p.ids), *reloads, p.unanswered, refused)
}

// TestForeignJournal loads configs whose journal is another kind of file, or damaged. They are
// rejected with the file's name, and the file stays as it is.
func TestForeignJournal(t *testing.T) {
	s := start(t)
	s.load(s.caddyfile("", ""))
	s.loaded()
	s.put("at-once", echo("minimal"))
	s.post("/api/webhooks/at-once", `{}`)
	own := filepath.Join(caddy.AppDataDir(), "flowtrux", "journal", "journal.db")
	s.stop()
	whole, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"text":  []byte("no journal\n"),
		"empty": {},
		// The error names the file and does not show its content. The end of the file may be
		// unused.
		"cut off": whole[:2*os.Getpagesize()+100],
	} {
		file := write(t, "journal.db", string(content))
		err := s.tryLoad(s.caddyfile("journal bbolt "+file, ""))
		if err == nil || !containsAll(err.Error(), "opening the journal", file, "not a journal, or a damaged one") {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, content) {
			t.Errorf("%s: the file was changed, %v", name, err)
		}
	}
}
