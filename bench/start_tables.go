package main

import (
	"fmt"
	"time"

	"github.com/flowtrux/edge/bench/meter"
)

// The figures of starts, for medianOf.
func startTime(f startFigure) time.Duration { return f.took }
func startCPU(f startFigure) time.Duration  { return f.cpu }
func startResident(f startFigure) uint64    { return f.first.Resident }
func startPeak(f startFigure) uint64        { return f.first.Peak }

// startTable makes a table from the starts of each target.
func startTable(names []string, all [][]startFigure) table {
	alone := all[startRespond]
	marked := func(goal, j int) mark {
		beside := fmt.Sprintf("%s of `respond`, %s ms", times(ratios(all[j], alone, startTime)), millis(medianOf(alone, startTime)))
		return mark{goal, float64(medianOf(all[j], startTime)) / float64(time.Millisecond), beside}
	}
	t := table{
		title: "The first correct response, and the memory then",
		head:  []string{"target", "ms", "of respond", "CPU ms", "resident MiB", "of respond", "peak MiB"},
		marks: []mark{marked(goalEmptyStart, startEmpty), marked(goalCachedStart, startCached)},
	}
	for j, starts := range all {
		t.add(names[j], millis(medianOf(starts, startTime)), times(ratios(starts, alone, startTime)), millis(medianOf(starts, startCPU)),
			mebibytes(medianOf(starts, startResident)), times(ratios(starts, alone, startResident)), mebibytes(medianOf(starts, startPeak)))
	}
	return t
}

// emptyTable makes a table of the memory after starts with an empty cache.
func emptyTable(starts []startFigure) table {
	t := table{
		title: "Resident memory after a start with an empty cache",
		head:  []string{"when", "resident MiB", "anonymous", "file", "peak MiB"},
	}
	for _, w := range []struct {
		when   string
		goal   int
		memory func(startFigure) meter.Memory
	}{
		{fmt.Sprintf("%s after the start", settles), goalMemoryEmpty, func(f startFigure) meter.Memory { return f.settled }},
		{"then under load", goalMemoryEmptyLoad, func(f startFigure) meter.Memory { return f.loaded }},
	} {
		m := medianMemory(starts, w.memory)
		t.add(w.when, mebibytes(m.Resident), mebibytes(m.Anonymous), mebibytes(m.File), mebibytes(m.Peak))
		t.marks = append(t.marks, mark{w.goal, float64(m.Resident) / (1 << 20), fmt.Sprintf("%s anonymous, %s of files", mebibytes(m.Anonymous), mebibytes(m.File))})
	}
	return t
}

// medianMemory returns the memory of the start with the median of resident memory.
func medianMemory(starts []startFigure, of func(startFigure) meter.Memory) (m meter.Memory) {
	middle := medianOf(starts, func(f startFigure) uint64 { return of(f).Resident })
	for i, f := range starts {
		if of(f).Resident >= middle && (i == 0 || of(f).Resident < m.Resident || m.Resident < middle) {
			m = of(f)
		}
	}
	return m
}
