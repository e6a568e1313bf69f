// Command notices writes what has to be said of the works that the server's binary holds.
//
//	go run ./internal/notices               writes NOTICE
//	go run ./internal/notices -check        reports whether NOTICE is up to date
//	go run ./internal/notices -texts file   writes the license texts of everything to a file
//
// The modules are those whose packages are linked into the binary on any system that is released,
// with the build tags of a release. NOTICE has no versions, which are in go.mod: it changes when a
// module comes, goes or changes its license.
package main

import (
	"bytes"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// head is the part of NOTICE that is written by hand.
//
//go:embed head.txt
var head string

const notice = "NOTICE"

// engineLicense has the texts for the engine in nodes/dist/code.wasm.
const engineLicense = "nodes/code/LICENSE.engine"

// consoleLicenses has the names, the licenses and the texts for the packages in the console's page,
// as its build writes them.
const consoleLicenses = "caddymodule/console/dist/LICENSES.txt"

const consoleHead = `
4. The console

caddymodule/console/dist is embedded in the binary, without the build tag flowtrux_no_console. It
holds parts of these npm packages, whose versions are in caddymodule/console/web/package-lock.json
and the texts of whose licenses are in caddymodule/console/dist/LICENSES.txt.

`

func main() {
	check := flag.Bool("check", false, "compare NOTICE instead of writing it")
	texts := flag.String("texts", "", "write the license texts to this `file` instead")
	flag.Parse()
	if err := run(*check, *texts); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(check bool, texts string) error {
	root, err := moduleDir()
	if err != nil {
		return err
	}
	works, err := linked(root)
	if err != nil {
		return err
	}
	if texts != "" {
		return writeTexts(root, texts, works)
	}
	page, err := os.ReadFile(filepath.Join(root, consoleLicenses))
	if err != nil {
		return err
	}
	packages, err := packagesIn(string(page))
	if err != nil {
		return err
	}
	want := []byte(list(works) + consoleHead + packages)
	file := filepath.Join(root, notice)
	if !check {
		return os.WriteFile(file, want, 0o644)
	}
	have, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return errors.New("NOTICE is out of date: run `make notices` and commit it")
	}
	return nil
}

// packagesIn returns the list in consoleLicenses, which is indented and stands before the texts.
func packagesIn(text string) (string, error) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "====") {
			break
		}
		if strings.HasPrefix(line, "  ") {
			b.WriteString(line)
		}
	}
	if b.Len() == 0 {
		return "", fmt.Errorf("%s lists no packages", consoleLicenses)
	}
	return b.String(), nil
}

// list returns the part of NOTICE about Go modules, with all before it.
func list(works []work) string {
	width := 0
	for _, w := range works {
		width = max(width, utf8.RuneCountInString(w.path))
	}
	var b strings.Builder
	b.WriteString(head)
	for _, w := range works {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, w.path, strings.Join(w.licenses(), ", "))
	}
	return b.String()
}

// writeTexts writes the texts of all licenses and notices, each once with the works it belongs to.
func writeTexts(root, file string, works []work) error {
	engine, err := os.ReadFile(filepath.Join(root, engineLicense))
	if err != nil {
		return err
	}
	golang, err := goLicense()
	if err != nil {
		return err
	}
	page, err := os.ReadFile(filepath.Join(root, consoleLicenses))
	if err != nil {
		return err
	}
	works = append([]work{
		{path: "caddymodule/console/dist", texts: []string{string(page)}},
		{path: "nodes/dist/code.wasm", texts: []string{string(engine)}},
		{path: "Go, its runtime and standard library", texts: []string{golang}},
	}, works...)
	var order []string
	owners := make(map[string][]string)
	for _, w := range works {
		for _, t := range w.texts {
			if owners[t] == nil {
				order = append(order, t)
			}
			owners[t] = append(owners[t], w.path)
		}
	}
	var b strings.Builder
	b.WriteString(head)
	for _, t := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80),
			strings.Join(owners[t], "\n"), strings.TrimSpace(t))
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}
