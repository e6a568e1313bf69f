package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// event is a line of `go test -json`. See `go doc test2json` and `go help buildjson`.
type event struct {
	Action, Package, ImportPath, Test, Output, FailedBuild string

	Elapsed float64 // seconds
}

// tally counts tests. It holds the output of each test until the test has passed.
type tally struct {
	out      io.Writer
	said     map[test]*strings.Builder
	builds   map[string]*strings.Builder // the compiler's output for a package
	of       map[string]int              // tests per package, without subtests
	all      int                         // tests and subtests
	tests    int
	packages int
	skipped  []test
	failed   bool
}

// test identifies a test. Without a name it stands for the output of the package itself.
type test struct{ pkg, name string }

func newTally(out io.Writer) *tally {
	return &tally{out: out, said: make(map[test]*strings.Builder), builds: make(map[string]*strings.Builder), of: make(map[string]int)}
}

// read processes all events. It prints other lines as they are.
func (t *tally) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil && e.Action != "" {
				t.take(&e)
			} else {
				fmt.Fprintf(t.out, "%s", line)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the output of go test: %w", err)
		}
	}
}

func (t *tally) take(e *event) {
	at := test{e.Package, e.Test}
	switch e.Action {
	case "output":
		keep(t.said, at, e.Output)
	case "build-output":
		keep(t.builds, e.ImportPath, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.endPackage(e)
			return
		}
		t.all++
		if !strings.Contains(e.Test, "/") {
			t.tests++
			t.of[e.Package]++
		}
		switch e.Action {
		case "skip":
			t.skipped = append(t.skipped, at)
			fallthrough
		case "pass":
			delete(t.said, at)
		}
	}
}

func keep[K comparable](said map[K]*strings.Builder, of K, text string) {
	b := said[of]
	if b == nil {
		b = new(strings.Builder)
		said[of] = b
	}
	b.WriteString(text)
}

// endPackage prints the line of a package and the output of its failed tests. A package without
// tests counts as skipped and has no line.
func (t *tally) endPackage(e *event) {
	switch e.Action {
	case "pass":
		t.packages++
		fmt.Fprintf(t.out, "ok    %-48s %4d tests %7.1f s\n", short(e.Package), t.of[e.Package], e.Elapsed)
	case "fail":
		t.failed = true
		if b := t.builds[e.FailedBuild]; b != nil {
			fmt.Fprintf(t.out, "%s", b)
		}
		names := slices.DeleteFunc(slices.Collect(maps.Keys(t.said)), func(at test) bool { return at.pkg != e.Package || at.name == "" })
		slices.SortFunc(names, func(a, b test) int { return strings.Compare(a.name, b.name) })
		// The output of the package itself comes last: a panic, a race, a timeout.
		for _, at := range append(names, test{e.Package, ""}) {
			if b := t.said[at]; b != nil {
				fmt.Fprintf(t.out, "%s", b)
			}
		}
		fmt.Fprintf(t.out, "FAIL  %-48s %4d tests %7.1f s\n", short(e.Package), t.of[e.Package], e.Elapsed)
	}
	maps.DeleteFunc(t.said, func(at test, _ *strings.Builder) bool { return at.pkg == e.Package })
}

// short returns a package's path without the module's.
func short(pkg string) string {
	return strings.TrimPrefix(pkg, "github.com/flowtrux/edge/")
}

// summary prints the skipped tests and the totals.
func (t *tally) summary(took time.Duration) {
	for _, s := range t.skipped {
		fmt.Fprintf(t.out, "SKIP  %s %s\n", short(s.pkg), s.name)
	}
	result := "passed"
	if t.failed || len(t.skipped) > 0 {
		result = "ran, not all of them passed,"
	}
	fmt.Fprintf(t.out, "%d tests (%d with subtests) in %d packages %s in %s, %d skipped\n",
		t.tests, t.all, t.packages, result, took.Round(time.Second), len(t.skipped))
}
