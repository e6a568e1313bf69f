package nodetest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// callWhole calls a module with a config. A module that is prepared gets the keys that its manifest
// names as fixed first, and the rest in the call. An error of preparing is the result.
func callWhole(ctx context.Context, m *sandbox.Module, s *hostapi.Session, config []byte) (sandbox.Result, error) {
	if !m.CanPrepare() {
		return m.Call(ctx, s, config, nil)
	}
	var manifest struct {
		Fixed []string `json:"fixed"`
	}
	if err := json.Unmarshal(m.Manifest(), &manifest); err != nil {
		return sandbox.Result{}, fmt.Errorf("reading the manifest: %w", err)
	}
	fixed, rest := split(config, manifest.Fixed)
	p := m.NewPrepared(fixed)
	if r, _, err := p.Prepare(ctx, flow.MaxPrepareFuel); err != nil || r.Kind != abi.Output {
		return r, err
	}
	return p.Call(ctx, s, rest, nil)
}

// split separates the members with the keys from the rest of an object. Other values have none.
func split(config []byte, keys []string) (taken, rest []byte) {
	if rawjson.KindOf(config) != rawjson.Object {
		return []byte("{}"), config
	}
	taken, rest = []byte{'{'}, []byte{'{'}
	rawjson.Members(config, func(k, raw []byte) bool {
		to := &rest
		for _, key := range keys {
			if string(rawjson.AppendUnescaped(nil, k)) == key {
				to = &taken
			}
		}
		if len(*to) > 1 {
			*to = append(*to, ',')
		}
		*to = append(append(append(append(*to, '"'), k...), '"', ':'), raw...)
		return true
	})
	return append(taken, '}'), append(rest, '}')
}
