//go:build unix

package postgres

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// stoppedIn is the variable with the schema of TestStopped, for the process that is stopped.
const stoppedIn = "FLOWTRUX_TEST_STOPPED"

const stoppedLease = time.Second

// TestStopped: a process that is stopped for longer than its lease loses what it holds, and is
// refused when it goes on; then it goes on with something new.
func TestStopped(t *testing.T) {
	if schema := os.Getenv(stoppedIn); schema != "" {
		stopped(t, schema)
		return
	}
	j := open(t, "b", stoppedLease)
	e := entryOf("order", 1)
	must(t, "accepting", j.Accept(t.Context(), e))
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestStopped$")
	cmd.Env = append(os.Environ(), stoppedIn+"="+j.options.Schema)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, "making a pipe", err)
	in, err := cmd.StdinPipe()
	must(t, "making a pipe", err)
	must(t, "starting", cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	lines := bufio.NewScanner(out)
	next := func() string {
		t.Helper()
		for lines.Scan() {
			if line, ok := strings.CutPrefix(lines.Text(), "@"); ok {
				return line
			}
		}
		t.Fatal("the process has ended")
		return ""
	}
	if got := next(); got != "holds "+e.ID {
		t.Fatalf("the process says %q", got)
	}
	must(t, "stopping", cmd.Process.Signal(syscall.SIGSTOP))
	stop := time.Now()
	l := claim(t, j, e.ID)
	if took := time.Since(stop); took > stoppedLease+time.Minute {
		t.Errorf("it was taken over after %s", took)
	}
	if got := l.Entry(); len(got.Steps) != 1 || got.Deaths != 1 {
		t.Errorf("taken over with %d steps and %d deaths", len(got.Steps), got.Deaths)
	}
	time.Sleep(time.Until(stop.Add(3 * stoppedLease)))
	must(t, "waking", cmd.Process.Signal(syscall.SIGCONT))
	must(t, "letting it go on", in.Close())
	got := []string{next(), next(), next()}
	if want := []string{"checkpoint lost", "finish lost", "accepted"}; !slices.Equal(got, want) {
		t.Errorf("the process says %q, want %q", got, want)
	}
	must(t, "finishing", l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}))
	r, err := j.Get(t.Context(), e.ID)
	must(t, "reading", err)
	if r.Status != journal.Succeeded {
		t.Errorf("it is %s", r.Status)
	}
}

// stopped holds an entry until its input ends, when it was stopped meanwhile.
func stopped(t *testing.T, schema string) {
	o := optionsOf(t)
	o.Schema, o.Machine, o.Lease = schema, "a", stoppedLease
	j := New(o)
	must(t, "opening", j.Open(t.Context()))
	l, err := j.Claim(within(t))
	must(t, "claiming", err)
	must(t, "checkpointing", l.Checkpoint(t.Context(), journal.Step{Node: "one", Output: []byte("1")}))
	fmt.Println("@holds " + l.Entry().ID)
	_, err = io.Copy(io.Discard, os.Stdin)
	must(t, "waiting", err)
	say := func(what string, err error) {
		if errors.Is(err, journal.ErrLeaseLost) {
			err = errors.New("lost")
		}
		fmt.Println("@"+what, err)
	}
	say("checkpoint", l.Checkpoint(t.Context(), journal.Step{Node: "two", Output: []byte("2")}))
	say("finish", l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Failed}}}))
	must(t, "accepting", j.Accept(t.Context(), entryOf("order", 2)))
	fmt.Println("@accepted")
	select {}
}
