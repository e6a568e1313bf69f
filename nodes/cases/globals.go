package cases

import (
	"bytes"
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Globals are the globals of one call: those that its case gives, and over them what the node has written. It belongs to that call.
type Globals struct {
	c *Case
	// Set is what was written, sums included.
	Set map[string][]byte
}

// Workspace begins a call's globals.
func (c *Case) Workspace() *Globals { return &Globals{c: c, Set: make(map[string][]byte)} }

// Get returns a value, nil when there is none. Secret globals are refused as a server does.
func (g *Globals) Get(key string) ([]byte, *Error) {
	if strings.HasPrefix(key, "__secret") {
		return nil, &Error{Code: "global_not_allowed", Message: "secret globals cannot be read", Fatal: true}
	}
	return g.get(key), nil
}

func (g *Globals) get(key string) []byte {
	if v, ok := g.Set[key]; ok {
		return v
	}
	return g.c.Given[key]
}

// Put writes a value, of which it keeps a copy.
func (g *Globals) Put(key string, value []byte) { g.Set[key] = bytes.Clone(value) }

// Add adds to an integer and returns the sum.
func (g *Globals) Add(key string, by int64) ([]byte, *Error) {
	sum, ok := rawjson.AddInteger(nil, g.get(key), by)
	if !ok {
		return nil, &Error{Code: "global_not_integer", Message: "the global is not an integer of 64 bits", Fatal: true}
	}
	g.Set[key] = sum
	return sum, nil
}
