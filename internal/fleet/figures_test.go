//go:build unix

package main

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// TestMeasure: figures beyond their bounds, and those that could not be measured, are told in the
// end, and the others are measured all the same.
func TestMeasure(t *testing.T) {
	var out strings.Builder
	err := measure(t.Context(), &out, []measurement{
		{"one", func(context.Context) ([]figure, error) {
			return []figure{exactly("lost", 0, 2), atLeast("accepted", 3, 3)}, nil
		}},
		{"two", func(context.Context) ([]figure, error) { return nil, errors.New("no etcd") }},
		{"three", func(context.Context) ([]figure, error) {
			return rows("CPU\tof 3.0 µs\t≤ 1.02\t1.01\ttrue\ncarries 7\t\t\t5 µs\ttrue\n")
		}},
	})
	if err == nil || !strings.HasPrefix(err.Error(), "2 of 4 figures") || !strings.Contains(err.Error(), "one: lost 2 (0)\n") || !strings.Contains(err.Error(), "two: ") {
		t.Error(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 6 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	at := strings.Index(lines[0], "bound")
	for i, want := range []string{"bound", "0 ", "≥ 3", "measured", "≤ 1.02", "  "} {
		if line := []rune(lines[i]); i != 3 && !strings.HasPrefix(string(line[at:]), want) {
			t.Errorf("%q does not have %q at %d", lines[i], want, at)
		}
	}
	for i, want := range []string{"NO", "ok", "NO", "ok", "5 µs"} {
		if !strings.HasSuffix(lines[i+1], want) {
			t.Errorf("%q does not end with %s", lines[i+1], want)
		}
	}
	if !strings.Contains(lines[3], "no etcd") {
		t.Errorf("%q does not say why", lines[3])
	}
}

// TestCommands: what other programs print is understood, and nothing is taken for a figure that is
// none.
func TestCommands(t *testing.T) {
	const out = "goos: linux\nBenchmarkLists/by_id-2 \t 30\t 5100000 ns/op\nBenchmarkLists/by_id-2 \t 30\t 4900000 ns/op\n" +
		"BenchmarkLists/by_id-2 \t 30\t 9900000 ns/op\nBenchmarkSpan \t 100000\t 9 ns/op\t 4400 cpu-ns/span\t 7 B/op\nok  \tp\t1s\n"
	figures, err := lists(out, 10)
	if err != nil || len(figures) != 3 || figures[0].ok || figures[0].measured != "not measured" || figures[2].ok || figures[2].measured != "5.10 ms" {
		t.Errorf("lists: %+v, %v", figures, err)
	}
	if figures, err := span(out); err != nil || !figures[0].ok || figures[0].measured != "4.40 µs" {
		t.Errorf("span: %+v, %v", figures, err)
	}
	for out, want := range map[string]bool{
		"ok  \tp\t1s\n": true, "ok  \tp\t1s [no tests to run]\n": false, "--- FAIL: TestX\nFAIL\tp\n": false, "": false,
	} {
		if figures, err := passed("x")(out); err != nil || figures[0].ok != want {
			t.Errorf("%q: %+v, %v", out, figures, err)
		}
	}
	for _, out := range []string{"", "what\tis\tthis\n", "panic: x\n"} {
		if _, err := rows(out); err == nil {
			t.Errorf("%q is figures", out)
		}
	}
}
