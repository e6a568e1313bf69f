package reference

import (
	"bytes"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

var outputAlone = []byte(`{"output":`)

// Transform is the node transform: it builds a value, from templates alone or by operations on one.
// It returns a resolved output without reading it: the schema allows no other key beside it.
func Transform(ctx *sdk.Context, config []byte) ([]byte, error) {
	if rest, ok := bytes.CutPrefix(config, outputAlone); ok {
		return rest[:len(rest)-1], nil
	}
	return operate(ctx, rawjson.Get(config, "input"), rawjson.Get(config, "operations"))
}
