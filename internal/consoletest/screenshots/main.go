package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/flowtrux/edge/internal/compiled/builtin"
	"github.com/flowtrux/edge/internal/consoletest"
)

func main() {
	only := flag.String("only", "", "take only the picture of this `name`")
	out := flag.String("out", "", "the `directory` for the pictures (default docs/console)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *only, *out)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only, out string) error {
	root, err := consoletest.Root()
	if err != nil {
		return err
	}
	if out == "" {
		out = filepath.Join(root, "docs", "console")
	}
	dir, err := os.MkdirTemp("", "screenshots-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := errors.Join(os.MkdirAll(out, 0o755), setFonts(dir)); err != nil {
		return err
	}
	caddy := filepath.Join(dir, "caddy")
	if err := errors.Join(consoletest.Build(ctx, caddy), builtin.Compile(ctx)); err != nil {
		return err
	}
	browser, end, err := consoletest.StartBrowser(ctx)
	if err != nil {
		return err
	}
	defer end()
	return consoletest.Run(ctx, "screenshots", func(t consoletest.T) {
		take(t, &camera{T: t, browser: browser, caddy: caddy, only: only, out: out})
	})
}
