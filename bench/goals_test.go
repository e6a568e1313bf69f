package main

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestGoalsAreWhole(t *testing.T) {
	for i, g := range goals {
		if g.name == "" {
			t.Errorf("goal %d has no name", i)
		}
		if i < growthChain && (g.least && g.stretch < g.wanted || !g.least && g.stretch > g.wanted) {
			t.Errorf("%s: the stretch %v is less than what is wanted, %v", g.name, g.stretch, g.wanted)
		}
		if i >= growthChain && (g.least || g.wanted != linear) {
			t.Errorf("%s is not compared with linear growth", g.name)
		}
	}
}

func TestGoalsAreMet(t *testing.T) {
	for _, c := range []struct {
		mark mark
		met  bool
	}{
		{mark{goal: goalRate, figure: 0.68}, true},
		{mark{goal: goalRate, figure: 0.679}, false},
		{mark{goal: goalCPU, figure: 1.45}, true},
		{mark{goal: goalCPU, figure: 1.451}, false},
		{mark{goal: goalIsolationAllocations, figure: 0}, true},
		{mark{goal: goalIsolationAllocations, figure: 0.01}, false},
		{mark{goal: goalRate, figure: math.NaN()}, false},
		{mark{goal: goalCPU, figure: math.NaN()}, false},
	} {
		if got := c.mark.met(); got != c.met {
			t.Errorf("%s: %v is met: %t", goals[c.mark.goal].name, c.mark.figure, got)
		}
	}
}

func TestGoalSection(t *testing.T) {
	sections := []section{
		{tables: []table{{}, {marks: []mark{{growthIdle, 1.2, "12.0 of 10.0 µs"}, {goalBinary, 77.7, "Caddy 52.2 MB"}}}}},
		{tables: []table{{marks: []mark{{goalRate, 0.7, "7 of 10"}}}}},
	}
	s, missed, ok := goalSection(sections)
	if want := []string{goals[goalBinary].name, goals[growthIdle].name}; !ok || !slices.Equal(missed, want) {
		t.Errorf("missed %q, want %q", missed, want)
	}
	if err := errMissed(missed); err == nil || !strings.Contains(err.Error(), "binary; CPU a request: beside") {
		t.Errorf("%v", err)
	}
	for i, rows := range [][][]string{
		{
			{goals[goalRate].name, "0.70x", "7 of 10", "≥ 0.68x", "≥ 0.75x", "yes"},
			{"binary", "77.7 MB", "Caddy 52.2 MB", "≤ 72.0 MB", "≤ 64.0 MB", "**no**"},
		},
		{{goals[growthIdle].name, "1.20x", "12.0 of 10.0 µs", "**no**"}},
	} {
		if !slices.EqualFunc(s.tables[i].rows, rows, slices.Equal) {
			t.Errorf("table %d: %q, want %q", i, s.tables[i].rows, rows)
		}
	}

	_, missed, ok = goalSection([]section{{tables: []table{{}}}})
	if ok || errMissed(missed) != nil {
		t.Errorf("nothing was measured, and missed: %q", missed)
	}
}

// rounds returns rounds with the given CPU times in µs. Their rates are the inverse.
func rounds(micros ...float64) (all []round) {
	for _, m := range micros {
		r := round{cpu: time.Duration(m * float64(time.Microsecond)), mallocs: m}
		r.rate, r.p99 = 1e6/m, time.Duration(m)*time.Millisecond
		all = append(all, r)
	}
	return all
}

func wantMarks(t *testing.T, got []mark, want ...mark) {
	t.Helper()
	near := func(a, b mark) bool {
		return a.goal == b.goal && math.Abs(a.figure-b.figure) < 1e-3 && a.beside == b.beside
	}
	if !slices.EqualFunc(got, want, near) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Each round has its own slope, so that a round on a slower machine does not change the median.
func TestChainTable(t *testing.T) {
	c := chain{node: "transform", lengths: []int{1, 5, 17}, long: 100, goal: goalTransform}
	got := chainTable(c, [][]round{rounds(20, 200, 21), rounds(28, 280, 29), rounds(52, 520, 53), rounds(135, 1350, 136)}, rounds(10, 100, 10))
	wantMarks(t, got.marks,
		mark{goalTransform, 2, "0.20x of a request to `respond`, 10.0 µs"},
		mark{growthChain, 0.5, "2.00 µs in a chain of 17"})
	if last := got.rows[len(got.rows)-1]; !slices.Equal(last, []string{"one more", "-", "2.00", "-", "2.00"}) {
		t.Errorf("%q", last)
	}
}

func TestTablesOfGrowth(t *testing.T) {
	names := []target{{name: "a"}, {name: "b"}, {name: "c"}, {name: "d"}}
	wantMarks(t, bodyTable([][]round{rounds(10), rounds(20), rounds(20), rounds(50), rounds(100), rounds(770)}).marks,
		mark{growthBody, 1.5, "3.00 of 2.00 µs; at 256 KB 7.70x of the native handler"})
	wantMarks(t, itemTable([][]round{rounds(20), rounds(218), rounds(10_019)}).marks, mark{growthItems, 0.5, "1.00 of 2.00 µs"})
	wantMarks(t, coreTable(names, [][]round{rounds(20), rounds(10), rounds(30), rounds(20)}).marks, mark{growthCores, 2 / 1.5, "2.00x of 1.50x"})
	wantMarks(t, idleTable(names[:2], [][]round{rounds(20), rounds(25)}).marks, mark{growthIdle, 1.25, "25.0 of 20.0 µs; requests/s 0.80x"})
}

func TestSaturationMarks(t *testing.T) {
	all := [][]round{rounds(20), rounds(25), rounds(40)}
	all[ours][0].memory.Resident, all[ours][0].memory.Anonymous, all[respond][0].memory.Resident = 90<<20, 60<<20, 50<<20
	wantMarks(t, saturationMarks(all),
		mark{goalRate, 0.5, "25000 of 50000"},
		mark{goalCPU, 1.6, "40.0 of 25.0 µs; `respond` 20.0"},
		mark{goalTail, 2, "40.0 of 20.0 ms"},
		mark{goalMemoryLoad, 90, "60.0 anonymous, 0.00 of files; `respond` 50.0"})
}

func TestStartTables(t *testing.T) {
	starts := func(ms, mib uint64) []startFigure {
		f := startFigure{took: time.Duration(ms) * time.Millisecond}
		f.settled.Resident, f.settled.Anonymous, f.loaded.Resident = mib<<20, mib<<19, 2*mib<<20
		return []startFigure{f, f, f}
	}
	all := [][]startFigure{starts(50, 0), starts(60, 0), starts(100, 0), starts(1000, 80)}
	all[startEmpty][1].settled.Resident = 90 << 20
	wantMarks(t, startTable([]string{"a", "b", "c", "d"}, all).marks,
		mark{goalEmptyStart, 1000, "20.0x of `respond`, 50.0 ms"},
		mark{goalCachedStart, 100, "2.00x of `respond`, 50.0 ms"})
	wantMarks(t, emptyTable(all[startEmpty]).marks,
		mark{goalMemoryEmpty, 80, "40.0 anonymous, 0.00 of files"},
		mark{goalMemoryEmptyLoad, 160, "0.00 anonymous, 0.00 of files"})
}
