package integration

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
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

// TestMove moves the journal of a server to another file, with commands that are killed again and
// again. Each accepted execution ends once, each node with a checkpoint runs once, and a duplicate
// gets the first one's answer.
func TestMove(t *testing.T) {
	const accepted = 150
	s := start(t)
	target := recording(t)
	source, moved := filepath.Join(t.TempDir(), "source.db"), filepath.Join(t.TempDir(), "moved")
	config := func(file string) string {
		return s.caddyfile(fmt.Sprintf("journal bbolt %s\n egress {\n allow %s\n }", file, target.Address), "")
	}
	kill := s.spawn(config(source))
	s.put("call", strings.Replace(calling(target.URL, "first", "second"), `"responseMode":"minimal"`,
		`"responseMode":"minimal","idempotency":{"header":"Idempotency-Key"}`, 1))
	// The second node of these waits, so that they are pending when the server ends.
	posts := `"method":"POST","url":"` + target.URL + `","body":"{{trigger.data}}"`
	first, second, _ := strings.Cut(calling(target.URL, "first", "second"), `"second"`)
	s.put("wait", first+`"second"`+strings.Replace(second, posts, `"method":"POST","url":"`+target.URL+`/hold"`, 1))
	ids, byKey := make(map[string]string), make(map[string]string)
	for n := range accepted {
		workflow := []string{"call", "wait"}[n%2]
		k := fmt.Sprint("key-", n)
		a := s.post("/api/webhooks/"+workflow, `{"n":1}`, "Idempotency-Key", k)
		id := a.header.Get("X-Execution-Id")
		if a.status != 200 || id == "" {
			t.Fatalf("%+v", a)
		}
		ids[id] = workflow
		if workflow == "call" {
			byKey[k] = id
		}
	}
	must(t, target.WaitHolding(t.Context().Done()))
	kill()
	l := &ledger{T: t, calls: make(map[string]int), kept: make(map[string]bool)}
	for id := range ids {
		l.accepted = append(l.accepted, id)
	}
	l.called(target.Calls())
	dump, err := crash.DumpJournal(t.Context(), source, t.TempDir())
	must(t, err)
	l.died(dump, []string{"first", "second"})
	if len(l.kept) < accepted/2 {
		t.Fatalf("%d nodes have a checkpoint: nothing is tested", len(l.kept))
	}

	from, to := write(t, "Caddyfile", config(source)), filepath.Join(t.TempDir(), "Caddyfile")
	own := filepath.Join(t.TempDir(), "target.db")
	must(t, os.WriteFile(to, []byte(config(own)), 0o600))
	kills := 0
	for _, args := range [][]string{{"export", moved, "--config", from}, {"import", moved, "--config", to}} {
		args = append([]string{"flowtrux", "journal"}, args...)
		began := time.Now()
		for most := 60 * time.Millisecond; !killedCaddy(t, rand.N(most), args...); most += most / 10 {
			if kills++; time.Since(began) > patience {
				t.Fatalf("%q does not come to an end", args)
			}
		}
		if !killedCaddy(t, time.Minute, args...) {
			t.Errorf("%q again: it does not end", args)
		}
	}
	t.Logf("%d kills", kills)
	if err := s.tryLoad(config(source)); err == nil || !containsAll(err.Error(), source, "journal was exported") {
		t.Errorf("a server with the old journal: %v", err)
	}

	target.ReleaseAll()
	kill = s.spawn(config(own))
	for k, id := range byKey {
		a := s.post("/api/webhooks/call", `{"n":1}`, "Idempotency-Key", k)
		if a.header.Get("X-Execution-Id") != id || a.header.Get("Idempotency-Replayed") != "true" {
			t.Fatalf("a duplicate of %s: %+v", id, a)
		}
	}
	ended := make(map[string]string)
	eventually(t, "all have ended", func() bool {
		var page struct {
			Executions []journal.Summary
		}
		a := s.ask("GET", "executions?limit=1000", "")
		if err := json.Unmarshal([]byte(a.body), &page); err != nil {
			t.Fatalf("%v: %s", err, a.body)
		}
		clear(ended)
		for _, e := range page.Executions {
			ended[e.ID] = e.Status
		}
		for id := range ids {
			if ended[id] != journal.Succeeded {
				return false
			}
		}
		return true
	})
	if len(ended) != len(ids) {
		t.Errorf("%d executions, want %d", len(ended), len(ids))
	}
	kill()
	l.called(target.Calls())
	again := 0
	for id := range ids {
		for _, node := range []string{"first", "second"} {
			switch n := l.calls[key(id, node)]; {
			case n == 0:
				t.Errorf("node %s of %s never reached the target", node, id)
			case n > 1:
				again++
			}
		}
	}
	t.Logf("%d executions, %d nodes were spared a second run by their checkpoint, %d ran again", len(ids), l.spared, again)
}
