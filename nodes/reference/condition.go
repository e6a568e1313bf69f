package reference

import (
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/operator"
)

// Condition is the node condition: it evaluates conditions in order and stops as soon as the result
// is known.
func Condition(ctx *sdk.Context, config []byte) ([]byte, error) {
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
	i := 0
	rawjson.Elements(conditions, func(c []byte) bool {
		var sides [3][]byte
		rawjson.Fields(c, sides[:], "operator", "left", "right")
		var holds bool
		holds, err = operator.Eval(operator.Name(sides[0]), sides[1], sides[2])
		err = placed("conditions", i, err)
		i++
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
