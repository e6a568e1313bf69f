package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/flowtrux/edge/internal/wasmbuild"
)

// bench holds what all parts share.
type bench struct {
	options
	module string // directory of the repository
	dir    string // temporary directory for all files, removed at the end
	caddy  string // path of the server's binary
	wrk    string
	code   string // cache of compiled nodes for all servers, as compiling takes seconds
	began  time.Time
}

// prepare finds the tools and builds the server.
func prepare(ctx context.Context, o options) (_ *bench, err error) {
	b := &bench{options: o, began: time.Now()}
	if b.wrk, err = exec.LookPath("wrk"); err != nil {
		return nil, errors.New("wrk is not installed; on Debian: apt-get install wrk")
	}
	module, err := output(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/flowtrux/edge")
	if err != nil {
		return nil, fmt.Errorf("finding the repository: %w", err)
	}
	b.module = module
	if b.dir, err = os.MkdirTemp("", "flowtrux-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if wasmbuild.Clang() == "" {
		return nil, wasmbuild.ErrNoClang
	}
	b.code = filepath.Join(b.dir, "code")
	if err := os.Mkdir(b.code, 0o700); err != nil {
		return nil, err
	}
	b.caddy = filepath.Join(b.dir, "caddy")
	b.progress("building the server")
	if err := b.build(ctx, filepath.Join(b.module, "bench"), "./caddy", b.caddy); err != nil {
		return nil, err
	}
	return b, nil
}

// close removes all temporary files.
func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// progress prints a line about the current step to stderr.
func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%4.0fs %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// rest sleeps for d or until ctx is done.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// output runs a command and returns its trimmed standard output.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}
