package command

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// localGlobals has the global values of a run: those of --global, and those that the workflow sets.
// Nodes that run in parallel share them.
type localGlobals struct {
	values  sync.Map // string -> []byte
	writing sync.Mutex
}

// parseGlobals returns the values of --global, given as key=value.
func parseGlobals(given []string) (*localGlobals, error) {
	g := new(localGlobals)
	for _, kv := range given {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("--global %q is not key=value", kv)
		}
		value := []byte(v)
		if rawjson.Check(value, flow.MaxDepth) != nil {
			value = rawjson.AppendQuoted(nil, value)
		}
		g.values.Store(k, value)
	}
	return g, nil
}

// Global implements engine.Globals.
func (g *localGlobals) Global(key string) ([]byte, bool) {
	v, ok := g.values.Load(key)
	if !ok {
		return nil, false
	}
	return v.([]byte), true
}

// SetGlobal implements engine.Globals.
func (g *localGlobals) SetGlobal(_ context.Context, key string, value []byte) error {
	g.writing.Lock()
	defer g.writing.Unlock()
	g.values.Store(key, bytes.Clone(value))
	return nil
}

// AddGlobal implements engine.Globals.
func (g *localGlobals) AddGlobal(_ context.Context, key string, by int64) ([]byte, error) {
	g.writing.Lock()
	defer g.writing.Unlock()
	value, _ := g.Global(key)
	sum, ok := rawjson.AddInteger(nil, value, by)
	if !ok {
		return nil, hostapi.ErrGlobalNotInteger
	}
	g.values.Store(key, sum)
	return bytes.Clone(sum), nil
}
