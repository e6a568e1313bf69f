package instrument

import "fmt"

// obstacle is a feature of a module that prevents restoring or moving its state.
type obstacle int

const (
	setsTable obstacle = iota
	growsTable
	fillsTable
	copiesTable
	initsTable
	dropsElements
	namesData  // by memory.init or data.drop
	placesData // at an offset that only an instance knows

	obstacleCount
)

// obstacleTexts describe the obstacles: changes outside of memory and globals, and data that cannot
// be moved for dirty tracking.
var obstacleTexts = [...]string{
	setsTable:     "it changes a table (table.set)",
	growsTable:    "it changes a table (table.grow)",
	fillsTable:    "it changes a table (table.fill)",
	copiesTable:   "it changes a table (table.copy)",
	initsTable:    "it changes a table (table.init)",
	dropsElements: "it drops elements (elem.drop)",
	namesData:     "its code names its data (memory.init, data.drop)",
	placesData:    "its data has an offset that is not a plain number",
}

// maxObstacles is how many obstacles are reported.
const maxObstacles = 16

func (m *module) obstacles() (out []string) {
	for h, text := range obstacleTexts {
		if m.found[h] {
			out = append(out, text)
		}
	}
	for i, g := range m.globals {
		if g.mutable && (g.kind < kindF64 || g.kind > kindI32) && len(out) < maxObstacles {
			out = append(out, fmt.Sprintf("its global %d is mutable and has type %s", i, kindName(g.kind)))
		}
	}
	return out
}

func kindName(kind byte) string {
	switch kind {
	case kindV128:
		return "v128"
	case kindFunc:
		return "funcref"
	default:
		return "externref"
	}
}
