//go:build linux

package integration

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/flowtrux/edge/internal/crash"
	"github.com/flowtrux/edge/runtime/journal"
)

// What waits for the target needs patient in the config of the node and patientLimits in that of
// the server: on a busy machine it may be longer than the default time limits.
const (
	patient       = `"timeout":"5m"`
	patientLimits = "\n limits {\n node_timeout 5m\n }"
)

// holding is a workflow whose first node waits for the target. The others follow it.
func holding(target *crash.Target, nodes ...string) string {
	return strings.ReplaceAll(calling(target.URL+"/hold", nodes...), `"config":{"method"`, `"config":{`+patient+`,"method"`)
}

// limitFiles sets the kernel's limit on the size of a process's files. RLIM_INFINITY removes it.
func limitFiles(t *testing.T, s *crash.Server, size uint64) {
	t.Helper()
	must(t, unix.Prlimit(s.PID(), unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}, nil))
}

// TestNoRoom takes away a server's disk space while executions run. The server rejects new requests
// with 503 and Retry-After, loses nothing, and recovers by itself when there is space again. The
// limit on file sizes needs no root; internal/powercut tests a full disk.
func TestNoRoom(t *testing.T) {
	target := recording(t)
	s := child(t, target)
	must(t, s.Start(t.Context()))
	must(t, s.Put(t.Context(), "hold", holding(target, "call", "after")))
	must(t, s.Put(t.Context(), "echo", echo("minimal")))
	must(t, s.Put(t.Context(), "wait", echo("lastNode")))

	// The journal is the largest file by then, so the limit affects no other.
	big := `{"pad":"` + strings.Repeat("x", 512<<10) + `"}`
	var accepted []string
	promised := func(workflow, body string) {
		t.Helper()
		a, err := s.Send(t.Context(), crash.Request{Workflow: workflow, Body: body})
		must(t, err)
		if a.Status != http.StatusOK {
			t.Fatalf("%s: %d %s", workflow, a.Status, a.Body)
		}
		accepted = append(accepted, a.Header.Get("X-Execution-Id"))
	}
	for range 32 {
		promised("echo", big)
	}
	promised("hold", `{}`)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, target.WaitHolding(ctx.Done()))

	info, err := os.Stat(s.Journal)
	must(t, err)
	limitFiles(t, s, uint64(info.Size()))
	var refused crash.Response
	for refused.Status == 0 {
		a, err := s.Send(ctx, crash.Request{Workflow: "echo", Body: big})
		must(t, err)
		if a.Status == http.StatusOK {
			accepted = append(accepted, a.Header.Get("X-Execution-Id"))
		} else {
			refused = a
		}
	}
	if refused.Status != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") == "" || !strings.Contains(refused.Body, `"journal_unavailable"`) {
		t.Errorf("without space: %d %v %s", refused.Status, refused.Header, refused.Body)
	}
	if a, err := s.Send(ctx, crash.Request{Workflow: "wait", Body: `{}`}); err != nil || a.Status != http.StatusOK {
		t.Errorf("a waiting sender: %v, %d %s", err, a.Status, a.Body)
	}
	target.ReleaseAll()
	eventually(t, "running executions have ended, or wait for space for a checkpoint", func() bool {
		now, err := s.Status(ctx)
		must(t, err)
		return now.Running == 0
	})

	limitFiles(t, s, unix.RLIM_INFINITY)
	eventually(t, "the server accepts again", func() bool {
		a, err := s.Send(ctx, crash.Request{Workflow: "echo", Body: `{}`})
		must(t, err)
		if a.Status == http.StatusOK {
			accepted = append(accepted, a.Header.Get("X-Execution-Id"))
		}
		return a.Status == http.StatusOK
	})
	must(t, s.WaitDrained(ctx, patience))
	ended, err := s.Executions(ctx)
	must(t, err)
	for _, id := range accepted {
		if ended[id].Status != journal.Succeeded {
			t.Errorf("%s was accepted and is %+v", id, ended[id])
		}
	}
	must(t, s.Stop())
}
