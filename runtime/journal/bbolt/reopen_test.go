//go:build linux || darwin

package bbolt

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"github.com/flowtrux/edge/runtime/journal"
)

const limitedChild = "FLOWTRUX_BBOLT_LIMITED"

// TestWritesFail makes the operating system reject writes, in a process of its own.
func TestWritesFail(t *testing.T) {
	if os.Getenv(limitedChild) != "" {
		writesFail(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestWritesFail$", "-test.timeout", "5m")
	cmd.Env = append(os.Environ(), limitedChild+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// writesFail: while nothing can be written, everything is rejected. Afterwards the journal works
// again by itself, and nothing that was accepted is lost.
func writesFail(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	p := path(t)
	j := open(t, p, roomy)
	kept := make(map[string]bool)
	accept := func(n int) error {
		e := entry(n, 100<<10)
		err := j.Accept(t.Context(), e)
		if err == nil {
			kept[e.ID] = true
		}
		return err
	}
	for n := range 10 {
		if err := accept(n); err != nil {
			t.Fatal(err)
		}
	}
	lease, err := j.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(p)
	if err != nil {
		t.Fatal(err)
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limited := before
	limited.Cur = uint64(info.Size())
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited); err != nil {
		t.Fatal(err)
	}
	err = nil
	for n := 100; err == nil && n < 1100; n++ {
		err = accept(n)
	}
	if !errors.Is(err, journal.ErrUnavailable) {
		t.Fatalf("accepting when nothing can be written: %v, want %v", err, journal.ErrUnavailable)
	}
	if err := lease.Release(t.Context(), 0); err != nil {
		t.Errorf("releasing meanwhile: %v", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	n := 2000
	eventually(t, "it accepts again", func() bool { n++; return accept(n) == nil })
	if s, err := j.Stats(t.Context()); err != nil || s.Fault != "" {
		t.Errorf("stats %+v, %v", s, err)
	}
	for id := range kept {
		if r, err := j.Get(t.Context(), id); err != nil || r.Status != journal.Pending {
			t.Errorf("%s: %+v, %v", id, r, err)
		}
	}
	for range kept {
		l, err := j.Claim(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Finish(t.Context(), new(journal.Record)); err != nil {
			t.Errorf("finishing: %v", err)
		}
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
