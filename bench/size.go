package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// buildFlags are the flags of xcaddy and the Makefile, so that the build cache is shared.
var buildFlags = []string{"build", "-ldflags=-w -s", "-tags", "nobadger,nomysql,nopgx,nopgxregisterdefaulttypes"}

// build builds a command in the directory of a module.
func (b *bench) build(ctx context.Context, dir, command, file string) error {
	build := exec.CommandContext(ctx, "go", slices.Concat(buildFlags, []string{"-o", file, command})...)
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", command, err, out)
	}
	return nil
}

// measureSize measures the binary that users build, not that of the bench, which has more in it.
func measureSize(ctx context.Context, b *bench) (section, error) {
	var sizes []float64
	for _, command := range []string{"github.com/caddyserver/caddy/v2/cmd/caddy", "./xcaddy"} {
		file := filepath.Join(b.dir, "users")
		if err := b.build(ctx, b.module, command, file); err != nil {
			return section{}, err
		}
		f, err := os.Stat(file)
		if err != nil {
			return section{}, err
		}
		sizes = append(sizes, float64(f.Size())/1e6)
		if err := os.Remove(file); err != nil {
			return section{}, err
		}
	}
	t := table{
		head:  []string{"binary", "MB", "of Caddy"},
		marks: []mark{{goalBinary, sizes[1], "Caddy " + number(sizes[0]) + " MB"}},
	}
	for i, name := range []string{"Caddy", "Caddy with FlowTrux Edge and its console"} {
		t.add(name, number(sizes[i]), ratio(sizes[i], sizes[0]))
	}
	return section{title: "Size", notes: []string{"Built with the flags of xcaddy. MB are millions of bytes."}, tables: []table{t}}, nil
}
