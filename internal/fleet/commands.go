//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// command measures figures in a process of its own, in the source of this module.
type command struct {
	name string
	env  []string
	args []string
	read func(out string) ([]figure, error)
}

// commands are the measurements that need no fleet: what the shared journal, lists and tracing
// cost, and whether dashboard and alerts are right.
func commands(s scale, caddy, before string) []measurement {
	n := strconv.Itoa
	bench := func(args ...string) []string { return append([]string{"go", "-C", "bench", "run"}, args...) }
	test := func(args ...string) []string {
		return append([]string{"go", "test", "-count", "1", "-timeout", "2h"}, args...)
	}
	pair := func(before, after string, more ...string) []string {
		return bench(append([]string{"./pair", "-rows", "-before", before, "-after", after, "-pairs", n(s.pairs), "-seconds", n(s.seconds)}, more...)...)
	}
	rounds := n(max(5, s.pairs/2))
	all := []command{
		{name: "accept", args: bench("./journals", "accept", "-rows", "-rounds", rounds, "-seconds", n(s.seconds)), read: rows},
		{name: "execution", args: bench("./journals", "execution", "-rows", "-rounds", rounds, "-executions", n(s.executions), "-caddy", caddy), read: rows},
		{name: "snapshot", args: bench("./journals", "snapshot", "-rows", "-minutes", n(s.minutes)), read: rows},
		{name: "sizes", args: bench("./journals", "sizes", "-rows", "-executions", n(s.executions), "-caddy", caddy), read: rows},
		{
			name: "lists", env: []string{"FLOWTRUX_TEST_RECORDS=" + n(s.records)},
			args: test("-run", "^$", "-bench", "Lists", "-benchtime", "30x", "./runtime/journal/postgres"),
			read: func(out string) ([]figure, error) { return lists(out, s.records) },
		},
		{
			name: "unsampled", env: []string{"OTEL_TRACES_SAMPLER=always_off", "OTEL_TRACES_EXPORTER=console"},
			args: pair(caddy, caddy, "-option", "tracing"), read: rows,
		},
		{name: "untraced", args: test("-run", "^TestAllocationsWithoutSpans$", "./caddymodule"), read: passed("tracing that is off or samples nothing costs no allocation")},
		{name: "span", args: test("-run", "^$", "-bench", "Span", "-benchtime", "100000x", "-count", "5", "./runtime/tracing"), read: span},
		{name: "alerts", args: test("./internal/contrib"), read: passed("each alert fires and clears by promtool test rules")},
		{name: "dashboard", args: test("-run", "^TestDashboardAndAlerts$", "./internal/integration"), read: passed("each metric and label of dashboard and alerts exists")},
	}
	if before != "" {
		all = append(all, command{name: "off", args: pair(before, caddy), read: rows})
	}
	measurements := make([]measurement, len(all))
	for i, c := range all {
		measurements[i] = measurement{c.name, c.measure}
	}
	return measurements
}

// measure runs the command. It says on its standard error how far it has come.
func (c command) measure(ctx context.Context) ([]figure, error) {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	// The go command passes no signal on to what it runs: all of them get it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = time.Minute
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	err := cmd.Run()
	figures, unread := c.read(out.String())
	if err != nil {
		fmt.Fprint(os.Stderr, out.String())
		return figures, fmt.Errorf("%s: %w", strings.Join(c.args, " "), err)
	}
	return figures, unread
}

// rows are figures as commands of the benchmarks print them: what, baseline, bound, measured and
// whether it is reached, with tabs between them.
func rows(out string) (figures []figure, err error) {
	for line := range strings.Lines(out) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(cells) != 5 {
			return figures, fmt.Errorf("it says %q", line)
		}
		figures = append(figures, figure{cells[0], cells[1], cells[2], cells[3], cells[4] == "true"})
	}
	if len(figures) == 0 {
		return nil, errors.New("it says nothing")
	}
	return figures, nil
}

// passed is the figure of tests that pass.
func passed(what string) func(out string) ([]figure, error) {
	return func(out string) ([]figure, error) {
		f := figure{what: what, bound: "yes", measured: "no"}
		if regexp.MustCompile(`(?m)^ok\s`).MatchString(out) && !strings.Contains(out, "no tests to run") {
			f.measured, f.ok = "yes", true
		}
		return []figure{f}, nil
	}
}

// benchmarks returns what benchmarks have measured in a unit, by their names. Of several runs it is
// the median.
func benchmarks(out, unit string) map[string]float64 {
	all := make(map[string][]float64)
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) == 0 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := regexp.MustCompile(`-\d+$`).ReplaceAllString(strings.TrimPrefix(fields[0], "Benchmark"), "")
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil && fields[i+1] == unit {
				all[name] = append(all[name], v)
			}
		}
	}
	medians := make(map[string]float64)
	for name, values := range all {
		slices.Sort(values)
		medians[name] = values[len(values)/2]
	}
	return medians
}

// fast is a benchmark that may take so long; of several, the slowest.
func fast(what string, limit float64, unit string, values ...float64) figure {
	slowest := 0.0
	for _, v := range values {
		if v == 0 {
			return figure{what: what, bound: fmt.Sprintf("≤ %.0f %s", limit, unit), measured: "not measured"}
		}
		slowest = max(slowest, v)
	}
	return figure{what: what, bound: fmt.Sprintf("≤ %.0f %s", limit, unit), measured: fmt.Sprintf("%.2f %s", slowest, unit), ok: slowest <= limit}
}

func lists(out string, records int) ([]figure, error) {
	took := benchmarks(out, "ns/op")
	ms := func(name string) float64 { return took["Lists/"+name] / 1e6 }
	of := fmt.Sprintf(" of %d records", records)
	others := fast("newest 50 by less than that, the slowest", 20, "ms", ms("all"), ms("workflow"), ms("failed"), ms("source"), ms("page"))
	others.bound = ""
	return []figure{
		fast("newest 50"+of+" by workflow and status, the slowest", 20, "ms", ms("workflow_status"), ms("workflow_rare"), ms("workflow_none")),
		others,
		fast("one"+of+" by id", 5, "ms", ms("by_id")),
	}, nil
}

func span(out string) ([]figure, error) {
	return []figure{fast("CPU time of a sampled span", 5, "µs", benchmarks(out, "cpu-ns/span")["Span"]/1e3)}, nil
}
