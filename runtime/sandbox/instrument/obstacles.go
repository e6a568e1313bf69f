package instrument

import "fmt"

// obstacle is something that a module's code does which has to be known.
type obstacle int

const (
	setsTable obstacle = iota
	growsTable
	fillsTable
	copiesTable
	initsTable
	dropsElements
	namesData  // by memory.init or data.drop
	placesData // where only an instance can tell

	obstacleCount
)

// obstacleTexts are the habits that leave traces outside of memory and globals, or that come by data
// that marks do not move.
var obstacleTexts = [...]string{
	setsTable:     "it changes a table (table.set)",
	growsTable:    "it changes a table (table.grow)",
	fillsTable:    "it changes a table (table.fill)",
	copiesTable:   "it changes a table (table.copy)",
	initsTable:    "it changes a table (table.init)",
	dropsElements: "it drops elements (elem.drop)",
	namesData:     "its code names its data (memory.init, data.drop)",
	placesData:    "its data has a place that is no plain number",
}

// maxObstacles is how many are said.
const maxObstacles = 16

func (m *module) obstacles() (out []string) {
	for h, text := range obstacleTexts {
		if m.found[h] {
			out = append(out, text)
		}
	}
	for i, g := range m.globals {
		if g.mutable && (g.kind < kindF64 || g.kind > kindI32) && len(out) < maxObstacles {
			out = append(out, fmt.Sprintf("its global %d can change and is of type %s", i, kindName(g.kind)))
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
