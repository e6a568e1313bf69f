// Command transform is the built-in node that builds a value: from templates alone, or by
// operations on one.
package main

import (
	"bytes"
	_ "embed"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

//go:embed schema.json
var schema string

var _ = sdk.Register(sdk.Node{
	Type:         "transform",
	Version:      "1.0.0",
	Summary:      "Makes a value from templates, or changes one by operations",
	Config:       schema,
	Capabilities: []string{"globals"},
	Defaults:     []sdk.Default{{With: "operations", Key: "input", Value: `"{{trigger.data}}"`}},
	Run:          run,
	Warmup: []string{
		`{"output":{"orderId":"12345","total":250.50,"items":[{"sku":"a","quantity":1}]}}`,
		`{"input":{"a":{"b":[1,2,{"c":"x"}]},"d":null},"operations":[{"op":"set","path":"a.b[2].c","value":{"e":1}},` +
			`{"op":"rename","path":"d","to":"f"},{"op":"delete","path":"a.b[0]"},{"op":"pick","paths":["a","f"]}]}`,
	},
})

func main() {}

var outputAlone = []byte(`{"output":`)

// run returns a resolved output without reading it: the schema allows no other key beside it.
func run(ctx *sdk.Context, config []byte) ([]byte, error) {
	if rest, ok := bytes.CutPrefix(config, outputAlone); ok {
		return rest[:len(rest)-1], nil
	}
	return operate(ctx, rawjson.Get(config, "input"), rawjson.Get(config, "operations"))
}
