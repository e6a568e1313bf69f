// Command reference is the Go of nodes/reference as a module, which benchmarks compare with the
// built-in nodes in C.
package main

import (
	"github.com/flowtrux/edge/nodes/reference"
	"github.com/flowtrux/edge/nodes/sdk"
)

// The warm-ups have the shapes of the calls that are measured.
var (
	_ = sdk.Register(sdk.Node{
		Type: "transform", Version: "1.0.0", Capabilities: []string{"globals"}, Run: reference.Transform,
		Warmup: []string{`{"output":{"orderId":"12345","total":250.50,"items":[{"sku":"a","quantity":1}]}}`},
	})
	_ = sdk.Register(sdk.Node{
		Type: "condition", Version: "1.0.0", Run: reference.Condition, Handles: []string{"true", "false"},
		Warmup: []string{`{"conditions":[{"left":250.50,"operator":"greaterThan","right":100}]}`},
	})
)

func main() {}
