// Command condition is the built-in node that evaluates conditions and follows the handle true or
// false.
package main

import (
	_ "embed"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/operator"
)

//go:embed schema.json
var schema string

var _ = sdk.Register(sdk.Node{
	Type:    "condition",
	Version: "1.0.0",
	Summary: "Compares values and follows the edge true or false",
	Config:  schema,
	Handles: []string{"true", "false"},
	Run:     run,
	Warmup: []string{
		`{"conditions":[{"left":250.50,"operator":"greaterThan","right":100},{"left":"order_created","operator":"startsWith","right":"order_"}]}`,
		`{"conditions":[{"left":{"a":[1,"x"]},"operator":"equals","right":{"a":[1,"x"]}}],"match":"any"}`,
	},
})

func main() {}

// run evaluates the conditions in order and stops as soon as the result is known.
func run(ctx *sdk.Context, config []byte) ([]byte, error) {
	if c, ok := readSingle(config); ok {
		holds, err := operator.Eval(operator.Name(c.operator), c.left, c.right)
		return route(ctx, holds, err)
	}
	return runAny(ctx, config)
}

// runAny is run for any config.
func runAny(ctx *sdk.Context, config []byte) ([]byte, error) {
	var keys [2][]byte
	rawjson.Fields(config, keys[:], "conditions", "match")
	conditions, match := keys[0], keys[1]
	if rawjson.KindOf(conditions) != rawjson.Array {
		return nil, sdk.Fatal("bad_config", "conditions is not an array")
	}
	var settles bool // the result of a condition that decides
	switch {
	case match == nil, string(match) == `"all"`:
		settles = false
	case string(match) == `"any"`:
		settles = true
	default:
		return nil, sdk.Fatal("bad_config", "match is neither all nor any")
	}
	result := !settles
	var err error
	rawjson.Elements(conditions, func(c []byte) bool {
		var sides [3][]byte
		rawjson.Fields(c, sides[:], "operator", "left", "right")
		var holds bool
		holds, err = operator.Eval(operator.Name(sides[0]), sides[1], sides[2])
		if err == nil && holds == settles {
			result = settles
			return false
		}
		return err == nil
	})
	return route(ctx, result, err)
}

var (
	holdsTrue  = []byte(`{"result":true}`)
	holdsFalse = []byte(`{"result":false}`)
)

func route(ctx *sdk.Context, holds bool, err error) ([]byte, error) {
	switch {
	case err != nil:
		return nil, err
	case holds:
		ctx.Route("true")
		return holdsTrue, nil
	}
	ctx.Route("false")
	return holdsFalse, nil
}
