// Command tally runs `go test` with its arguments and prints what people look for: a line for each
// package, all that a failed test said, and at the end how many tests ran. A test that was skipped
// is a failure: a server or a compiler that is missing would otherwise make a run green.
//
//	go run ./internal/tally -race ./...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
}

// errFailed is the end of a run whose failures have been printed.
var errFailed = errors.New("some tests failed")

func run(ctx context.Context, args []string) error {
	began := time.Now()
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	t := newTally(os.Stdout)
	bad := t.read(out)
	err = cmd.Wait()
	switch {
	case bad != nil:
		return bad
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case t.failed || len(t.skipped) > 0:
		t.summary(time.Since(began))
		return errFailed
	case err != nil:
		return err
	}
	t.summary(time.Since(began))
	return nil
}
