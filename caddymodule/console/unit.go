//go:build ignore

// Unit runs the tests of the console's TypeScript, web/src/**/*.test.ts:
//
//	go run ./caddymodule/console/unit.go [arguments of node --test]
//
// esbuild bundles each file, because Node 18 knows no types, and `node --test` runs the bundles. It
// needs Node 18 or later and the packages of web/package-lock.json (npm ci in web/).
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "console:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("finding the module: %w", err)
	}
	module := strings.TrimSpace(string(out))
	web := filepath.Join(module, "caddymodule", "console", "web")
	if _, err := os.Stat(filepath.Join(web, "node_modules", "preact")); err != nil {
		return fmt.Errorf("the packages in %s/package-lock.json are not installed: run `npm ci` there, or `make console`", web)
	}
	tests, err := find(web)
	if err != nil {
		return err
	}
	if len(tests) == 0 {
		return errors.New("there are no tests in web/src")
	}
	dir, err := os.MkdirTemp("", "console-unit-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// The name of each bundle is that of its test: a failure shows where to look.
	bundle := append([]string{
		"tool", "-modfile=" + filepath.Join(module, "tools", "go.mod"), "esbuild", "--bundle", "--platform=node",
		"--format=esm", "--target=node18", "--jsx=automatic", "--jsx-import-source=preact", "--loader:.svg=dataurl",
		"--inject:node18.mjs", "--sourcemap=inline", "--outbase=src", "--out-extension:.js=.mjs", "--outdir=" + dir, "--log-level=warning",
	}, tests...)
	if err := command(web, "go", bundle...); err != nil {
		return fmt.Errorf("esbuild: %w", err)
	}
	// Node 21 and later take no directory.
	files := append([]string{"--enable-source-maps", "--test"}, args...)
	for _, t := range tests {
		name := strings.TrimSuffix(strings.TrimPrefix(t, "src/"), ".ts")
		files = append(files, filepath.Join(dir, filepath.FromSlash(name)+".mjs"))
	}
	if err := command(web, "node", files...); err != nil {
		return fmt.Errorf("node --test: %w", err)
	}
	return nil
}

// find returns the test files, relative to web, with slashes.
func find(web string) ([]string, error) {
	var tests []string
	return tests, fs.WalkDir(os.DirFS(web), "src", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(name, ".test.ts") {
			tests = append(tests, name)
		}
		return err
	})
}

func command(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stdout, os.Stderr
	return cmd.Run()
}
