// Package prepared does work that depends on fixed keys of a config once for each node of a
// workflow, instead of in each call: compile an expression, parse a template, build a table.
//
//	var _ = sdk.Register(sdk.Node{
//		Type: "match", Version: "1.0.0",
//		Fixed: []string{"pattern"},
//		Run:   prepared.Func(compile, match),
//	})
//
//	func compile(fixed []byte) (*regexp.Regexp, error) { … }
//	func match(ctx *sdk.Context, pattern *regexp.Regexp, config []byte) ([]byte, error) { … }
//
// Modules that import it export prepare of the node ABI, and must have fixed keys. A node with
// fixed keys whose Run is not that of Func cannot be prepared.
package prepared

import (
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

// Reader is implemented by a prepared value that needs values of the workflow. Reads are paths of
// templates, such as trigger.data. Calls find the values in the config, each at its path. A path
// that names nothing in the workflow is left out.
type Reader interface {
	Reads() []string
}

// preparing is true while the prepare export calls a node's function: that prepares instead of
// running then, and returns what the host must know. So the prepare export finds the functions of a
// node, of which a module may have several, by the node alone.
var preparing bool

// Func returns a node's function made of two. prepare gets an object of the node's Fixed keys and
// returns the value that every call of run starts with, in the state that prepare left it in:
// changes by a call do not survive it. An error of prepare makes a workflow invalid, with its
// message as the reason. The result must be the node's Run itself, not called by another function.
//
// In tests and in a warm-up, prepare and run both get the whole config, so each must ignore the
// other's keys.
func Func[T any](prepare func(fixed []byte) (T, error), run func(ctx *sdk.Context, prepared T, config []byte) ([]byte, error)) sdk.Func {
	var stored *T
	return func(ctx *sdk.Context, config []byte) ([]byte, error) {
		switch {
		case preparing:
			preparing = false
			v, err := prepare(config)
			if err != nil {
				return nil, err
			}
			stored = &v
			return describe(v), nil
		case stored != nil:
			return run(ctx, *stored, config)
		}
		v, err := prepare(config)
		if err != nil {
			return nil, err
		}
		return run(ctx, v, config)
	}
}

// describe returns what the host learns of a prepared value.
func describe(v any) []byte {
	r, ok := v.(Reader)
	if !ok {
		return []byte("{}")
	}
	b := []byte(`{"reads":[`)
	for i, path := range r.Reads() {
		if i > 0 {
			b = append(b, ',')
		}
		b = rawjson.AppendQuoted(b, []byte(path))
	}
	return append(b, "]}"...)
}
