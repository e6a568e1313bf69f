package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// goal is what a figure must reach.
type goal struct {
	name            string
	unit            string
	least           bool // the figure is at least wanted; otherwise at most
	wanted, stretch float64
}

// The goals, by their place in the list below.
const (
	goalRate = iota
	goalCPU
	goalTail
	goalHalfTail
	goalTransform
	goalCondition
	goalEmptyStart
	goalCachedStart
	goalMemoryEmpty
	goalMemoryEmptyLoad
	goalMemoryLoad
	goalStores
	goalCode
	goalMinimal
	goalBinary
	goalIsolation
	goalIsolationAllocations
	growthChain // the first of those that compare with linear growth
	growthBody
	growthIdle
	growthItems
	growthCores
)

// linear is the most that a figure may grow where 1 is linear: a tenth more, as rounds differ.
const linear = 1.1

var goals = []goal{
	goalRate:                 {"order workflow: requests/s, of `respond`", "x", true, 0.68, 0.75},
	goalCPU:                  {"order workflow: CPU a request, of the native handler", "x", false, 1.45, 1.30},
	goalTail:                 {"order workflow: p99 at saturation, of `respond`", "x", false, 1.7, 1.3},
	goalHalfTail:             {"order workflow: p99 at half of its capacity, of `respond` at the same rate", "x", false, 1.5, 1.2},
	goalTransform:            {"one more `transform`: CPU", " µs", false, 2, 1},
	goalCondition:            {"one more `condition`: CPU", " µs", false, 3, 1.5},
	goalEmptyStart:           {"first correct response, empty cache", " ms", false, 1200, 400},
	goalCachedStart:          {"first correct response, from the cache", " ms", false, 120, 80},
	goalMemoryEmpty:          {"resident, 10 s after a start with an empty cache", " MiB", false, 100, 75},
	goalMemoryEmptyLoad:      {"resident, then under load", " MiB", false, 100, 75},
	goalMemoryLoad:           {"resident under load, started from the cache", " MiB", false, 100, 75},
	goalStores:               {"10,000 workflows in turn: requests/s, of one", "x", true, 0.93, 0.97},
	goalCode:                 {"a `code` node, warm, with 1 KB: CPU", " µs", false, 70, 40},
	goalMinimal:              {"`minimal`, accepted and finished: per second, of life cycles with separate workers", "x", true, 0.62, 0.70},
	goalBinary:               {"binary", " MB", false, 72, 64},
	goalIsolation:            {"isolation: Go pass through, ours less reuse+JSON", " µs", false, 0.7, 0.4},
	goalIsolationAllocations: {"isolation: allocations a call", "", false, 0, 0},
	growthChain:              {"CPU of one more node: from 17 to 100 `transform`, of from 1 to 17", "x", false, linear, 0},
	growthBody:               {"CPU of another KB: from 16 to 256 KB, of from 1 to 16", "x", false, linear, 0},
	growthIdle:               {"CPU a request: beside 1,000 idle connections, of without", "x", false, linear, 0},
	growthItems:              {"CPU of an item: `forEach` of 10,000, of 100", "x", false, linear, 0},
	growthCores:              {"second core: gain in requests/s of `respond`, of ours", "x", false, linear, 0},
}

// mark is what a run has measured for a goal.
type mark struct {
	goal   int
	figure float64
	beside string // the baseline in the same run
}

// met reports whether the figure is as wanted. A figure that could not be computed is not.
func (m mark) met() bool {
	g := goals[m.goal]
	if g.least {
		return m.figure >= g.wanted
	}
	return m.figure <= g.wanted
}

// limit formats a wanted figure.
func (g goal) limit(v float64) string {
	if g.least {
		return "≥ " + number(v) + g.unit
	}
	return "≤ " + number(v) + g.unit
}

// goalSection makes a table of the goals that were measured and one of growth. missed has the names
// of those that were not met. ok is false if none was measured.
func goalSection(sections []section) (s section, missed []string, ok bool) {
	var marks []mark
	for _, s := range sections {
		for _, t := range s.tables {
			marks = append(marks, t.marks...)
		}
	}
	slices.SortFunc(marks, func(a, b mark) int { return cmp.Compare(a.goal, b.goal) })
	reach := table{text: true, head: []string{"what", "figure", "in the same run", "wanted", "stretch", "met"}}
	growth := table{
		text: true, title: fmt.Sprintf("Growth, where 1.00x is linear and %s is wanted, as rounds differ", goals[growthChain].limit(linear)),
		head: []string{"what", "figure", "in the same run", "met"},
	}
	for _, m := range marks {
		g, met := goals[m.goal], "yes"
		if !m.met() {
			met = "**no**"
			missed = append(missed, g.name)
		}
		if m.goal < growthChain {
			reach.add(g.name, number(m.figure)+g.unit, m.beside, g.limit(g.wanted), g.limit(g.stretch), met)
		} else {
			growth.add(g.name, number(m.figure)+g.unit, m.beside, met)
		}
	}
	s = section{title: "Must reach", notes: []string{"Computed from the tables above. Ratios are the medians of each round's ratio."}}
	for _, t := range []table{reach, growth} {
		if len(t.rows) > 0 {
			s.tables = append(s.tables, t)
		}
	}
	return s, missed, len(marks) > 0
}

// errMissed is the error of -check.
func errMissed(missed []string) error {
	if len(missed) == 0 {
		return nil
	}
	return fmt.Errorf("not reached: %s", strings.Join(missed, "; "))
}
