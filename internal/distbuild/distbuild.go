// Package distbuild is what the programs share that build nodes/dist: nodes/build.go and
// nodes/code/build.go.
package distbuild

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// File is a file of nodes/dist, which is the same when it is built from any directory and on any
// machine.
type File struct {
	Name    string // in nodes/dist
	Sources string // the folder in nodes
	Command string // that builds it, for messages
	// Build returns the content. The working directory is Sources; tmp is an empty directory.
	Build func(tmp string) ([]byte, error)
}

// Main is the main function of a program that builds one file. With the flag -check it builds
// elsewhere, and compares.
func Main(f *File) {
	check := flag.Bool("check", false, "compare with nodes/dist instead of writing to it")
	flag.Parse()
	if err := f.run(*check); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", f.Name, err)
		os.Exit(1)
	}
}

func (f *File) run(check bool) error {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("finding the module: %w", err)
	}
	nodes := filepath.Join(strings.TrimSpace(string(module)), "nodes")
	if err := os.Chdir(filepath.Join(nodes, f.Sources)); err != nil {
		return err
	}
	built, err := f.build()
	if err != nil {
		return err
	}
	dist := filepath.Join(nodes, "dist", f.Name)
	if !check {
		fmt.Printf("%-20s %8d bytes\n", f.Name, len(built))
		return os.WriteFile(dist, built, 0o644)
	}
	committed, err := os.ReadFile(dist)
	switch {
	case err != nil:
		return err
	case !bytes.Equal(built, committed):
		return fmt.Errorf("nodes/dist has another one than nodes/%s gives: run `%s` and commit it", f.Sources, f.Command)
	}
	fmt.Printf("%-20s a new build gives the same\n", f.Name)
	return nil
}

func (f *File) build() (content []byte, err error) {
	tmp, err := os.MkdirTemp("", "dist-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	return f.Build(tmp)
}

// Clang runs clang-19 for modules without a library. Another version would give other bytes.
func Clang(args ...string) error {
	return Run("clang-19", append([]string{
		"--target=wasm32", "-std=c23", "-mbulk-memory", "-nostdlib", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror",
	}, args...)...)
}

// packages has the Debian packages of tools.
var packages = map[string]string{"clang-19": "clang-19 lld-19", "wasm-ld-19": "lld-19", "npm": "npm"}

// maxSaid is the maximum number of bytes of what a tool prints that is shown: the last ones.
const maxSaid = 4096

// Run runs a tool. What it prints is shown only if it fails: wasm-metadce lists what it removes.
func Run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("there is no %s; on Debian: apt-get install %s", name, packages[name])
	case err != nil:
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, out[max(0, len(out)-maxSaid):])
	}
	return nil
}
