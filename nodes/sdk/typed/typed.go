// Package typed lets a node work on Go values instead of JSON text. It brings encoding/json into the module, which costs
// about 1.4 MB and, per call, much more time than reading the text with package rawjson does.
package typed

import (
	"bytes"
	"encoding/json"

	"github.com/flowtrux/edge/nodes/sdk"
)

// Func makes a node's function of one from a decoded config to a value that is encoded as the output. A config that does not
// fit In fails the node with the code bad_config, which is not retried. Numbers in fields of type any are json.Number,
// so that their digits survive.
func Func[In, Out any](run func(ctx *sdk.Context, in In) (Out, error)) sdk.Func {
	return func(ctx *sdk.Context, config []byte) ([]byte, error) {
		var in In
		d := json.NewDecoder(bytes.NewReader(config))
		d.UseNumber()
		if err := d.Decode(&in); err != nil {
			return nil, sdk.Fatal("bad_config", "the config does not fit: "+err.Error())
		}
		out, err := run(ctx, in)
		if err != nil {
			return nil, err
		}
		b, err := json.Marshal(out)
		if err != nil {
			return nil, sdk.Fatal("bad_output", "the output cannot be encoded: "+err.Error())
		}
		return b, nil
	}
}
