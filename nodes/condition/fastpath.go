package main

import (
	"bytes"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// condition is one condition, as raw JSON.
type condition struct{ left, operator, right []byte }

// The text around the values of a config with one condition, written as most are.
var (
	beforeLeft     = []byte(`{"conditions":[{"left":`)
	beforeOperator = []byte(`,"operator":`)
	beforeRight    = []byte(`,"right":`)
	behindRight    = []byte(`}]}`)
)

// readSingle reads the one condition of such a config, each byte once. Byte by byte is slow in a guest in Go: every round of a loop goes
// through a table of the whole function.
func readSingle(config []byte) (c condition, ok bool) {
	rest, ok := bytes.CutPrefix(config, beforeLeft)
	if !ok {
		return c, false
	}
	c.left, rest = rawjson.First(rest)
	if rest, ok = bytes.CutPrefix(rest, beforeOperator); !ok {
		return c, false
	}
	c.operator, rest = rawjson.First(rest)
	if rest, ok = bytes.CutPrefix(rest, beforeRight); ok {
		c.right, rest = rawjson.First(rest)
	}
	return c, bytes.Equal(rest, behindRight)
}
