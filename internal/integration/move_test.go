package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/internal/crash"
	"github.com/flowtrux/edge/runtime/journal"
)

// killedCaddy runs a command of a real Caddy and kills it after a while, if it has not ended.
func killedCaddy(t *testing.T, after time.Duration, args ...string) (done bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), childCaddy+"=1")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	must(t, cmd.Start())
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // fails if it has ended
	defer timer.Stop()
	err := cmd.Wait()
	if cmd.ProcessState.ExitCode() > 0 {
		t.Fatalf("%q: %v\n%s", args, err, out.String())
	}
	return err == nil
}

// movedWorkflows returns two workflows that are moved: one that ends, and one whose second node
// waits, so that its executions are pending when the server ends.
func movedWorkflows(target *crash.Target) (call, wait string) {
	call = strings.Replace(calling(target.URL, "first", "second"), `"responseMode":"minimal"`,
		`"responseMode":"minimal","idempotency":{"header":"Idempotency-Key"}`, 1)
	posts := `"method":"POST","url":"` + target.URL + `","body":"{{trigger.data}}"`
	first, second, _ := strings.Cut(calling(target.URL, "first", "second"), `"second"`)
	return call, first + `"second"` + strings.Replace(second, posts, `"method":"POST",`+patient+`,"url":"`+target.URL+`/hold"`, 1)
}

// movedWork is what a server has accepted before its journal is moved.
type movedWork struct {
	*testing.T
	ids   map[string]bool
	byKey map[string]string // ids of the workflow that ends, by idempotency key
}

// acceptToMove sends webhooks to both workflows, until those that wait are held by the target.
func acceptToMove(s *server, target *crash.Target, count int) *movedWork {
	s.t.Helper()
	w := &movedWork{s.t, make(map[string]bool), make(map[string]string)}
	for n := range count {
		workflow, k := []string{"call", "wait"}[n%2], fmt.Sprint("key-", n)
		a := s.post("/api/webhooks/"+workflow, `{"n":1}`, "Idempotency-Key", k)
		id := a.header.Get("X-Execution-Id")
		if a.status != 200 || id == "" {
			w.Fatalf("%+v", a)
		}
		if w.ids[id] = true; workflow == "call" {
			w.byKey[k] = id
		}
	}
	must(w.T, target.WaitHolding(w.Context().Done()))
	return w
}

// ledger returns what has happened until the server with a journal was killed.
func (w *movedWork) ledger(target *crash.Target, file string) *ledger {
	w.Helper()
	l := &ledger{T: w.T, calls: make(map[string]int), kept: make(map[string]bool)}
	for id := range w.ids {
		l.accepted = append(l.accepted, id)
	}
	l.called(target.Calls())
	dump, err := crash.DumpJournal(w.Context(), file, w.TempDir())
	must(w.T, err)
	l.died(dump, []string{"first", "second"})
	return l
}

// duplicates checks that servers answer all keys with what was answered first.
func (w *movedWork) duplicates(servers ...*server) {
	w.Helper()
	for k, id := range w.byKey {
		for _, s := range servers {
			a := s.post("/api/webhooks/call", `{"n":1}`, "Idempotency-Key", k)
			if a.header.Get("X-Execution-Id") != id || a.header.Get("Idempotency-Replayed") != "true" {
				w.Fatalf("a duplicate of %s: %+v", id, a)
			}
		}
	}
}

// allEnded waits until everything has succeeded, and checks that there is nothing else.
func (w *movedWork) allEnded(s *server) {
	w.Helper()
	ended := make(map[string]string)
	eventually(w.T, "all have ended", func() bool {
		var page struct{ Executions []journal.Summary }
		a := s.ask("GET", "executions?limit=1000", "")
		if err := json.Unmarshal([]byte(a.body), &page); err != nil {
			w.Fatalf("%v: %s", err, a.body)
		}
		clear(ended)
		left := len(w.ids)
		for _, e := range page.Executions {
			if ended[e.ID] = e.Status; w.ids[e.ID] && e.Status == journal.Succeeded {
				left--
			}
		}
		return left == 0
	})
	if len(ended) != len(w.ids) {
		w.Errorf("%d executions, want %d", len(ended), len(w.ids))
	}
}

// TestMove moves the journal of a server to another file, with commands that are killed again and
// again. Each accepted execution ends once, each node with a checkpoint runs once, and a duplicate
// gets the first one's answer.
func TestMove(t *testing.T) {
	const accepted = 150
	s := start(t)
	target := recording(t)
	source, moved := filepath.Join(t.TempDir(), "source.db"), filepath.Join(t.TempDir(), "moved")
	config := func(file string) string {
		return s.caddyfile(fmt.Sprintf("journal bbolt %s\n egress {\n allow %s\n }"+patientLimits, file, target.Address), "")
	}
	kill := s.spawn(config(source))
	call, wait := movedWorkflows(target)
	s.put("call", call)
	s.put("wait", wait)
	w := acceptToMove(s, target, accepted)
	kill()
	l := w.ledger(target, source)
	if len(l.kept) < accepted/2 {
		t.Fatalf("%d nodes have a checkpoint: nothing is tested", len(l.kept))
	}

	from, to := write(t, "Caddyfile", config(source)), filepath.Join(t.TempDir(), "Caddyfile")
	own := filepath.Join(t.TempDir(), "target.db")
	must(t, os.WriteFile(to, []byte(config(own)), 0o600))
	m := &moves{T: t}
	for _, args := range [][]string{{"export", moved, "--config", from}, {"import", moved, "--config", to}} {
		m.killed(args...)
		if out, err := m.run(args...); err != nil {
			t.Errorf("%q again: %v\n%s", args, err, out)
		}
	}
	t.Logf("%d kills", m.kills)
	if err := s.tryLoad(config(source)); err == nil || !containsAll(err.Error(), source, "journal was exported") {
		t.Errorf("a server with the old journal: %v", err)
	}

	target.ReleaseAll()
	kill = s.spawn(config(own))
	w.duplicates(s)
	w.allEnded(s)
	kill()
	l.called(target.Calls())
	again := 0
	for id := range w.ids {
		for _, node := range []string{"first", "second"} {
			switch n := l.calls[key(id, node)]; {
			case n == 0:
				t.Errorf("node %s of %s never reached the target", node, id)
			case n > 1:
				again++
			}
		}
	}
	t.Logf("%d executions, %d nodes were spared a second run by their checkpoint, %d ran again", len(w.ids), l.spared, again)
}
