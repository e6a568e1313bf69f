package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/command"
	"github.com/flowtrux/edge/runtime/journal"
)

// following runs `caddy flowtrux <args>` until stop is called, which returns its error; out has what it prints.
func following(t *testing.T, args ...string) (out io.Reader, stop func() error) {
	t.Helper()
	cmd := &cobra.Command{Use: "flowtrux", SilenceErrors: true, SilenceUsage: true}
	command.Flowtrux().CobraFunc(cmd)
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

// row is the next line that a command prints.
func row(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	if !lines.Scan() {
		t.Fatalf("the command has ended: %v", lines.Err())
	}
	return lines.Text()
}

// TestFollow: executions are printed as they come, and again when something has become of them, until the command is interrupted.
func TestFollow(t *testing.T) {
	target := recording(t)
	s := start(t)
	s.load(s.caddyfile("egress {\n allow "+target.Address+"\n }", ""))
	s.loaded()
	s.put("at-once", echo("minimal"))
	s.put("held", calling(target.URL+"/hold", "call"))
	first := s.post("/api/webhooks/at-once", `{"n":1}`).header.Get("X-Execution-Id")
	s.record(first, journal.Succeeded)

	out, stop := following(t, "executions", "list", "--follow", "--address="+s.admin)
	lines := bufio.NewScanner(out)
	if got := row(t, lines); !containsAll(got, first, "succeeded", "at-once") {
		t.Errorf("what was there is printed as %q", got)
	}
	held := s.post("/api/webhooks/held", `{"n":2}`).header.Get("X-Execution-Id")
	if err := target.Held(t.Context().Done()); err != nil {
		t.Fatal(err)
	}
	got := row(t, lines)
	if strings.Contains(got, journal.Pending) { // it was looked for in the moment between
		got = row(t, lines)
	}
	if !containsAll(got, held, journal.Running, "held") {
		t.Errorf("what runs is printed as %q", got)
	}
	target.LetGo()
	if got := row(t, lines); !containsAll(got, held, journal.Succeeded) {
		t.Errorf("what has ended is printed as %q", got)
	}
	if err := stop(); err != nil {
		t.Errorf("interrupted: %v", err)
	}

	out, stop = following(t, "executions", "list", "--follow", "--json", "--workflow=held", "--address="+s.admin)
	var only journal.Summary
	if err := json.NewDecoder(out).Decode(&only); err != nil || only.ID != held {
		t.Errorf("as JSON: %+v, %v", only, err)
	}
	if err := stop(); err != nil {
		t.Errorf("interrupted: %v", err)
	}

	s.stop()
	if _, errOut, err := cli(t, "", "executions", "list", "--follow", "--address="+s.admin); err == nil {
		t.Errorf("without a server it says nothing: %s", errOut)
	}
}
