// Command switch is the built-in node that compares one value with cases and follows the name of
// the first that matches.
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
	Type:        "switch",
	Version:     "1.0.0",
	Summary:     "Follows the edge of the first case that a value fits",
	Config:      schema,
	Handles:     []string{"default"},
	HandlesFrom: "cases[].name",
	Run:         run,
	Warmup: []string{
		`{"value":"order_created","cases":[{"name":"paid","value":"order_paid"},{"name":"created","operator":"startsWith","value":"order_"}]}`,
		`{"value":12.50,"cases":[{"name":"small","operator":"lessThan","value":10}]}`,
	},
})

func main() {}

var equals = []byte("equals")

func run(ctx *sdk.Context, config []byte) ([]byte, error) {
	var keys [2][]byte
	rawjson.Fields(config, keys[:], "cases", "value")
	cases, value := keys[0], keys[1]
	if rawjson.KindOf(cases) != rawjson.Array {
		return nil, sdk.Fatal("bad_config", "cases is not an array")
	}
	var name []byte // raw, of the case that matches
	var err error
	rawjson.Elements(cases, func(c []byte) bool {
		var parts [3][]byte
		rawjson.Fields(c, parts[:], "name", "value", "operator")
		op := equals
		if parts[2] != nil {
			op = operator.Name(parts[2])
		}
		var fits bool
		if fits, err = operator.Eval(op, value, parts[1]); fits {
			name = parts[0]
		}
		return err == nil && !fits
	})
	if err != nil {
		return nil, err
	}
	if name == nil {
		ctx.Route("default")
		return []byte(`{"case":null}`), nil
	}
	if rawjson.KindOf(name) != rawjson.String {
		return nil, sdk.Fatal("bad_config", "the name of a case is not a string")
	}
	ctx.Route(string(rawjson.AppendString(nil, name)))
	return append(append([]byte(`{"case":`), name...), '}'), nil
}
