//go:build ignore

// Build compiles the built-in nodes to dist/*.wasm, with the same bytes from any directory and on
// any machine:
//
//	go run ./nodes/build.go          builds
//	go run ./nodes/build.go -check   builds elsewhere, compares, and prints the differences
//
// The bytes depend on the version of Go, so the version that built dist is recorded in
// dist/go.version and used again: Go fetches it if another one is installed.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// sources are the folders, by node type.
var sources = map[string]string{
	"condition":    "condition",
	"http-request": "httprequest",
	"switch":       "switch",
	"transform":    "transform",
}

func main() {
	check := flag.Bool("check", false, "compare with dist instead of writing it")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "nodes:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("finding the module: %w", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(module)), "nodes")
	version := filepath.Join(dir, "dist", "go.version")
	if !check {
		if err := os.WriteFile(version, []byte(runtime.Version()+"\n"), 0o644); err != nil {
			return err
		}
	}
	built, err := os.ReadFile(version)
	if err != nil {
		return err
	}
	out := filepath.Join(dir, "dist")
	if check {
		if out, err = os.MkdirTemp("", "nodes-"); err != nil {
			return err
		}
		defer os.RemoveAll(out)
	}
	var errs []error
	for typ, source := range sources {
		file := typ + ".wasm"
		if err := compile(dir, source, filepath.Join(out, file), strings.TrimSpace(string(built))); err != nil {
			return fmt.Errorf("%s: %w", typ, err)
		}
		fresh, err := os.ReadFile(filepath.Join(out, file))
		if err != nil {
			return err
		}
		if check {
			if have, err := os.ReadFile(filepath.Join(dir, "dist", file)); err != nil || !bytes.Equal(have, fresh) {
				errs = append(errs, fmt.Errorf("dist/%s is not what nodes/%s gives: run `make nodes` and commit it", file, source))
				continue
			}
		}
		fmt.Printf("%-20s %8d bytes\n", file, len(fresh))
	}
	return errors.Join(errs...)
}

// compile builds one node, with nothing of the machine in the result.
func compile(dir, source, out, toolchain string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared",
		"-ldflags=-s -w -buildid=", "-o", out, "./"+source)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOWASM=", "GOFLAGS=", "GOEXPERIMENT=", "CGO_ENABLED=0", "GOWORK=off",
		"GOTOOLCHAIN="+toolchain)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
