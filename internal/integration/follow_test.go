package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/command"
	"github.com/flowtrux/edge/runtime/journal"
)

// following runs `caddy flowtrux <args>` until stop is called. stop returns the command's error.
// out contains what it prints.
func following(t *testing.T, args ...string) (out io.Reader, stop func() error) {
	t.Helper()
	cmd := &cobra.Command{Use: "flowtrux", SilenceErrors: true, SilenceUsage: true}
	command.Flowtrux(nil, nil, nil).CobraFunc(cmd)
	from, in := io.Pipe()
	var errOut bytes.Buffer
	cmd.SetOut(in)
	cmd.SetErr(&errOut)
	cmd.SetArgs(args)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		err := cmd.ExecuteContext(ctx)
		in.Close()
		ended <- err
	}()
	t.Cleanup(cancel)
	return from, func() error { cancel(); return <-ended }
}

// row returns the next line that a command prints.
func row(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	if !lines.Scan() {
		t.Fatalf("the command has ended: %v", lines.Err())
	}
	return lines.Text()
}

// TestFollow checks that executions are printed as they arrive, and again when their status
// changes, until the command is interrupted.
func TestFollow(t *testing.T) {
	target := recording(t)
	s := start(t)
	s.load(s.caddyfile("egress {\n allow "+target.Address+"\n }"+patientLimits, ""))
	s.loaded()
	s.put("at-once", echo("minimal"))
	s.put("held", holding(target, "call"))
	first := s.post("/api/webhooks/at-once", `{"n":1}`).header.Get("X-Execution-Id")
	s.record(first, journal.Succeeded)

	out, stop := following(t, "executions", "list", "--follow", "--address="+s.admin)
	lines := bufio.NewScanner(out)
	if got := strings.Fields(row(t, lines)); !slices.Equal(got, []string{"EXECUTION", "WORKFLOW", "STATUS", "ACCEPTED", "TOOK", "FAILED"}) {
		t.Errorf("the columns are %q", got)
	}
	if got := row(t, lines); !strings.HasPrefix(got, first) || !containsAll(got, first, "succeeded", "at-once") {
		t.Errorf("the earlier execution is printed as %q", got)
	}
	held := s.post("/api/webhooks/held", `{"n":2}`).header.Get("X-Execution-Id")
	if err := target.WaitHolding(t.Context().Done()); err != nil {
		t.Fatal(err)
	}
	got := row(t, lines)
	if strings.Contains(got, journal.Pending) { // the command looked in between
		got = row(t, lines)
	}
	if !containsAll(got, held, journal.Running, "held") {
		t.Errorf("the running execution is printed as %q", got)
	}
	target.ReleaseAll()
	if got := row(t, lines); !containsAll(got, held, journal.Succeeded) {
		t.Errorf("what has ended is printed as %q", got)
	}
	if err := stop(); err != nil {
		t.Errorf("interrupted: %v", err)
	}

	if _, errOut, err := cli(t, "", "executions", "list", "--follow", "--cursor="+first, "--address="+s.admin); err == nil {
		t.Errorf("with a cursor it says nothing: %s", errOut)
	}

	s.stop()
	if _, errOut, err := cli(t, "", "executions", "list", "--follow", "--address="+s.admin); err == nil {
		t.Errorf("without a server it says nothing: %s", errOut)
	}
}

// TestFollowMissesNothing creates more executions between two polls than a page has, one of them
// far below the newest. Each is printed as a line of JSON.
func TestFollowMissesNothing(t *testing.T) {
	target := recording(t)
	s := start(t)
	s.load(s.caddyfile("egress {\n allow "+target.Address+"\n }"+patientLimits, ""))
	s.loaded()
	s.put("at-once", echo("minimal"))
	s.put("held", holding(target, "call"))
	out, stop := following(t, "executions", "list", "--follow", "--json", "--limit=1", "--address="+s.admin)
	lines := bufio.NewScanner(out)
	missing := map[string]bool{s.post("/api/webhooks/held", `{"n":0}`).header.Get("X-Execution-Id"): true}
	if err := target.WaitHolding(t.Context().Done()); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		missing[s.post("/api/webhooks/at-once", `{"n":1}`).header.Get("X-Execution-Id")] = true
	}
	target.ReleaseAll()
	for len(missing) > 0 {
		var e journal.Summary
		if line := row(t, lines); json.Unmarshal([]byte(line), &e) != nil {
			t.Fatalf("a line is %q", line)
		}
		if e.Status == journal.Succeeded {
			if !missing[e.ID] {
				t.Errorf("%s is printed again", e.ID)
			}
			delete(missing, e.ID)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("interrupted: %v", err)
	}
}
