// Command tally runs `go test` with its arguments in one or more modules. It prints a line for each
// package, the output of failed tests, and finally the number of tests. A skipped test counts as a
// failure. Otherwise a run without a required server or compiler would pass.
//
//	go run ./internal/tally -race ./...
//	go run ./internal/tally -modules .,bench -race ./...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
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

// errFailed ends a run whose failures have already been printed.
var errFailed = errors.New("some tests failed")

func run(ctx context.Context, args []string) error {
	began := time.Now()
	modules, args := split(args)
	t := newTally(os.Stdout)
	var failed error
	for _, dir := range modules {
		if err := t.test(ctx, dir, args); err != nil {
			failed = err
		}
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
	}
	if failed == nil || t.failed || len(t.skipped) > 0 {
		t.summary(time.Since(began))
	}
	if t.failed || len(t.skipped) > 0 {
		return errFailed
	}
	return failed
}

// split separates the value of a leading -modules from the other arguments, which are for go test.
func split(args []string) (modules, rest []string) {
	if len(args) > 1 && args[0] == "-modules" {
		return strings.Split(args[1], ","), args[2:]
	}
	return []string{"."}, args
}

// test runs go test in a module.
func (t *tally) test(ctx context.Context, dir string, args []string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Dir = dir
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
	bad := t.read(out)
	if err := cmd.Wait(); bad == nil {
		return err
	}
	return bad
}
