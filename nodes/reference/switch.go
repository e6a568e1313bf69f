package reference

import (
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/operator"
)

var equals = []byte("equals")

// Switch is the node switch: it compares one value with cases and follows the name of the first
// that matches.
func Switch(ctx *sdk.Context, config []byte) ([]byte, error) {
	var keys [2][]byte
	rawjson.Fields(config, keys[:], "cases", "value")
	cases, value := keys[0], keys[1]
	if rawjson.KindOf(cases) != rawjson.Array {
		return nil, sdk.Fatal("bad_config", "cases is not an array")
	}
	var name []byte // raw, of the case that matches
	var err error
	i := 0
	rawjson.Elements(cases, func(c []byte) bool {
		var parts [3][]byte
		rawjson.Fields(c, parts[:], "name", "value", "operator")
		op := equals
		if parts[2] != nil {
			op = operator.Name(parts[2])
		}
		var fits bool
		fits, err = operator.Eval(op, value, parts[1])
		if fits {
			name = parts[0]
			if name != nil && rawjson.KindOf(name) != rawjson.String {
				err = sdk.Fatal("bad_config", "the name is not a string")
			}
		}
		err = placed("cases", i, err)
		i++
		return err == nil && !fits
	})
	if err != nil {
		return nil, err
	}
	if name == nil {
		ctx.Route("default")
		return []byte(`{"case":null}`), nil
	}
	ctx.Route(string(rawjson.AppendString(nil, name)))
	return append(append([]byte(`{"case":`), name...), '}'), nil
}
