package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/flowtrux/edge/bench/meter"
	"github.com/flowtrux/edge/bench/workflow"
)

// isolated is the guest whose calls show what isolation costs.
const isolated = "Go, pass through 1 KB"

// callTime is the approximate time that a variant is measured in a round.
const callTime = 200 * time.Millisecond

// guest is a module with the input of its calls.
type guest struct {
	name  string
	wasm  []byte
	input []byte
	want  []byte // nil for the input
}

// call makes a call and appends the output to dst.
type call func(ctx context.Context, in, dst []byte) ([]byte, error)

// callFigure holds the cost of the calls of one variant in one round.
type callFigure struct {
	cpu     time.Duration // per call, including garbage collection
	mallocs float64       // per call
}

// measureCalls compares the ways to call a guest. It runs in this process, without a server.
func measureCalls(ctx context.Context, b *bench) (section, error) {
	guests, err := b.guests(ctx)
	if err != nil {
		return section{}, err
	}
	s := section{title: "A call", notes: []string{
		fmt.Sprintf("CPU time of the process per call, including garbage collection, and allocations of the host. Medians of %d interleaved rounds. The "+
			"ratios are to reuse.", b.rounds),
	}}
	for _, v := range variants {
		s.notes = append(s.notes, "- **"+v.name+"**: "+v.about)
	}
	s.notes = []string{s.notes[0], strings.Join(s.notes[1:], "\n")}
	t := table{head: []string{"guest"}}
	for _, v := range variants {
		t.head = append(t.head, v.name+" µs")
	}
	for _, v := range variants {
		if v.name != base {
			t.head = append(t.head, v.name+"/"+base)
		}
	}
	for _, v := range variants {
		t.head = append(t.head, v.name+" allocs")
	}
	for _, g := range guests {
		b.progress("calls: %s", g.name)
		all, err := b.callRounds(ctx, g)
		if err != nil {
			return section{}, fmt.Errorf("%s: %w", g.name, err)
		}
		t.add(callCells(g.name, all)...)
		if g.name == isolated {
			t.marks = append(t.marks, isolationMarks(all)...)
		}
	}
	s.tables = []table{t}
	return s, nil
}

// guests compiles the modules and creates their inputs.
func (b *bench) guests(ctx context.Context) ([]guest, error) {
	b.progress("compiling the guests")
	modules := make(map[string][]byte)
	for name, build := range map[string]func() ([]byte, error){
		"C":          func() ([]byte, error) { return b.buildC(ctx, "echo") },
		"Go":         func() ([]byte, error) { return b.buildGo(ctx, "echo") },
		"Go decoded": func() ([]byte, error) { return b.buildGo(ctx, "order") },
	} {
		var err error
		if modules[name], err = build(); err != nil {
			return nil, err
		}
	}
	order, total := orderJSON(1024)
	return []guest{
		{"C, pass through 1 KB", modules["C"], kilobyte, nil},
		{"C, pass through 64 KB", modules["C"], workflow.Body(64 << 10), nil},
		{isolated, modules["Go"], kilobyte, nil},
		{"Go, pass through 64 KB", modules["Go"], workflow.Body(64 << 10), nil},
		{"Go, encoding/json 1 KB", modules["Go decoded"], order, total},
	}, nil
}

// orderJSON returns an input of about n bytes for the guest order, and its output.
func orderJSON(n int) (in, out []byte) {
	var items []string
	for i, size := 0, 0; size < n-40; i++ {
		item := fmt.Sprintf(`{"sku":"SKU-%04d","quantity":2,"price":0.5}`, i)
		items = append(items, item)
		size += len(item) + 1
	}
	list := "[" + strings.Join(items, ",") + "]"
	return []byte(`{"order_id":"12345","items":` + list + `}`),
		fmt.Appendf(nil, `{"orderId":"12345","total":%d,"items":%s}`, len(items), list)
}

// callRounds measures all variants with a guest.
func (b *bench) callRounds(ctx context.Context, g guest) ([][]callFigure, error) {
	calls := make([]call, len(variants))
	counts := make([]int, len(variants))
	for i, v := range variants {
		c, closed, err := v.load(ctx, g)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
		defer closed()
		calls[i] = c
		if counts[i], err = warmCalls(ctx, c, g); err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
	}
	all := make([][]callFigure, len(variants))
	for range b.rounds {
		for i := range variants {
			f, err := timeCalls(ctx, calls[i], g, counts[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", variants[i].name, err)
			}
			all[i] = append(all[i], f)
		}
	}
	return all, nil
}

// The figures of calls, for medianOf.
func callTimes(f callFigure) time.Duration { return f.cpu }
func callMallocs(f callFigure) float64     { return f.mallocs }

// callCells returns the cells of a guest's row from the rounds of all variants.
func callCells(name string, all [][]callFigure) []string {
	row := []string{name}
	for _, rounds := range all {
		row = append(row, micros(medianOf(rounds, callTimes)))
	}
	for i, rounds := range all {
		if variants[i].name != base {
			row = append(row, times(ratios(rounds, all[variantOf(base)], callTimes)))
		}
	}
	for _, rounds := range all {
		row = append(row, number(medianOf(rounds, callMallocs)))
	}
	return row
}

// isolationMarks compares our calls with those of a reused instance whose output is checked, too.
func isolationMarks(all [][]callFigure) []mark {
	with, without := all[variantOf("ours")], all[variantOf(checked)]
	more := make([]time.Duration, len(with))
	for i := range more {
		more[i] = with[i].cpu - without[i].cpu
	}
	return []mark{
		{goalIsolation, float64(median(more)) / float64(time.Microsecond), fmt.Sprintf("%s less %s µs", micros(medianOf(with, callTimes)), micros(medianOf(without, callTimes)))},
		// Go's runtime allocates now and then by itself.
		{goalIsolationAllocations, math.Round(100*medianOf(with, callMallocs)) / 100, ""},
	}
}

// warmCalls checks the output of a call and returns the number of calls for a round.
func warmCalls(ctx context.Context, c call, g guest) (int, error) {
	want := g.want
	if want == nil {
		want = g.input
	}
	n := 0
	for start := time.Now(); n < 10 || time.Since(start) < callTime/2; n++ {
		out, err := c(ctx, g.input, nil)
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(out, want) {
			return 0, fmt.Errorf("the output is %.200s, not %.200s", out, want)
		}
	}
	return 2 * n, nil
}

// timeCalls measures n calls.
func timeCalls(ctx context.Context, c call, g guest, n int) (callFigure, error) {
	var before, after runtime.MemStats
	dst := make([]byte, 0, 2*len(g.input))
	runtime.GC() // earlier garbage does not count
	runtime.ReadMemStats(&before)
	start, err := meter.CPU(0)
	if err != nil {
		return callFigure{}, err
	}
	for range n {
		if _, err := c(ctx, g.input, dst); err != nil {
			return callFigure{}, err
		}
	}
	end, err := meter.CPU(0)
	if err != nil {
		return callFigure{}, err
	}
	runtime.ReadMemStats(&after)
	return callFigure{(end - start) / time.Duration(n), float64(after.Mallocs-before.Mallocs) / float64(n)}, ctx.Err()
}
