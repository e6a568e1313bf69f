package main

import (
	"bytes"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// condition is one condition, as raw JSON.
type condition struct{ left, operator, right []byte }

// The text around the values of a config with one condition, in its usual form.
var (
	beforeLeft     = []byte(`{"conditions":[{"left":`)
	beforeOperator = []byte(`,"operator":`)
	beforeRight    = []byte(`,"right":`)
	behindRight    = []byte(`}]}`)
)

// readSingle splits a config with one condition, each byte once. A loop over bytes is slow in a
// guest in Go: every iteration goes through a jump table of the whole function.
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
