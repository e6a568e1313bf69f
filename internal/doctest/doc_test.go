// Package doctest tests the documentation. Every fenced block of every page has a kind, and each
// kind has a check:
//
//	sh test        runs in a copy of the repository, with the server of `make run`; must succeed
//	text output    follows such a block: lines of its output, in this order; … matches anything
//	caddyfile      a whole Caddyfile: it adapts, without a warning
//	json workflow  a whole document: it validates
//	json node      a node of a workflow, which validates in one with a trigger and nothing else
//	json webhook   the settings of a webhook, which validate in a workflow of nothing else
//	json           it is JSON
//	go run         a program: it runs
//	go             it is Go: a file, or what can stand in one
//	sh text python js ini c rust ts   only to be read
//
// Blocks of a page run in the order of the page. Where a page says localhost:8080 the server's real
// address is used. Beside the blocks the tests follow the links between pages, and look for codes,
// metrics and options that the code has and the pages lack, and for words that pages must not use.
package doctest

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// top is the path of the repository from this package.
const top = "../.."

// page is one Markdown file.
type page struct {
	name   string // below top, with slashes
	text   string
	blocks []block
}

// block is a fenced block of a page.
type block struct {
	kind string // what stands behind the fence
	text string
	line int // of the fence, from 1
}

// pages reads all Markdown files that walk finds.
func pages(t *testing.T) []page {
	t.Helper()
	var list []page
	walk(t, func(name string) {
		if filepath.Ext(name) == ".md" {
			text := read(t, name)
			list = append(list, page{name: name, text: text, blocks: blocks(t, name, text)})
		}
	})
	if len(list) < 10 {
		t.Fatalf("only %d pages were found", len(list))
	}
	return list
}

// walk calls f with all files of the repository that are not hidden, built, or npm's packages.
func walk(t *testing.T, f func(name string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(top), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "bin" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && name != "."):
			return fs.SkipDir
		case d.Type().IsRegular():
			f(name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(top, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// blocks returns the fenced blocks of a page. In lists, fences and their text are indented.
func blocks(t *testing.T, name, text string) []block {
	t.Helper()
	var list []block
	var open *block
	indent := ""
	n := 0
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		n++
		line := strings.TrimPrefix(s.Text(), indent)
		kind, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case open == nil && fence:
			indent = line[:strings.Index(line, "`")]
			open = &block{kind: kind, line: n}
		case fence:
			list = append(list, *open)
			open, indent = nil, ""
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		t.Errorf("%s:%d: the block has no end", name, open.line)
	}
	return list
}

func TestBlocksAreTakenOutOfPages(t *testing.T) {
	got := blocks(t, "page", "text\n```sh test\na\n```\n- item\n  ```json\n  {\n    1\n  ```\n")
	want := []block{{"sh test", "a\n", 2}, {"json", "{\n  1\n", 6}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}
