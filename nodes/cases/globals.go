package cases

import (
	"bytes"
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Globals are the globals during one call: those that its case gives, and over them the values that
// the node has written.
type Globals struct {
	c *Case
	// Set holds the written values, sums included.
	Set map[string][]byte
}

// Workspace returns the globals for a call.
func (c *Case) Workspace() *Globals { return &Globals{c: c, Set: make(map[string][]byte)} }

// Get returns a value, or nil when there is none. Like a server, it rejects secret globals.
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

// Put writes a copy of a value.
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
