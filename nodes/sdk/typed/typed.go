// Package typed lets a node work on Go values instead of JSON text. It links encoding/json into the
// module, which adds about 1.4 MB and makes each call much slower than reading the text with
// package rawjson.
package typed

import (
	"bytes"
	"encoding/json"

	"github.com/flowtrux/edge/nodes/sdk"
)

// Func returns a node's function made of one that takes a decoded config and returns a value, which
// is encoded as the output. A config that does not fit In fails the node with the code bad_config,
// which is not retried. Numbers in fields of type any are json.Number, so that their digits
// survive.
func Func[In, Out any](run func(ctx *sdk.Context, in In) (Out, error)) sdk.Func {
	return func(ctx *sdk.Context, config []byte) ([]byte, error) {
		in, err := decode[In](config)
		if err != nil {
			return nil, err
		}
		return encode(run(ctx, in))
	}
}

// Prepare returns the first function for prepared.Func, made of one that takes a decoded config, as
// in [Func].
func Prepare[In, T any](prepare func(in In) (T, error)) func(fixed []byte) (T, error) {
	return func(fixed []byte) (prepared T, err error) {
		in, err := decode[In](fixed)
		if err != nil {
			return prepared, err
		}
		return prepare(in)
	}
}

// Run returns the second function for prepared.Func, made of one that takes the prepared value and
// a decoded config, as in [Func].
func Run[T, In, Out any](run func(ctx *sdk.Context, prepared T, in In) (Out, error)) func(*sdk.Context, T, []byte) ([]byte, error) {
	return func(ctx *sdk.Context, prepared T, config []byte) ([]byte, error) {
		in, err := decode[In](config)
		if err != nil {
			return nil, err
		}
		return encode(run(ctx, prepared, in))
	}
}

func decode[In any](config []byte) (in In, err error) {
	d := json.NewDecoder(bytes.NewReader(config))
	d.UseNumber()
	if err := d.Decode(&in); err != nil {
		return in, sdk.Fatal("bad_config", "the config does not fit: "+err.Error())
	}
	return in, nil
}

func encode[Out any](out Out, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, sdk.Fatal("bad_output", "the output cannot be encoded: "+err.Error())
	}
	return b, nil
}
