// Package prepared lets a node do the work beforehand that follows from fixed keys of its config, once for every node of a workflow and not in
// each call: compile an expression, parse a template, build a table.
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
// It exports prepare of the node ABI from modules that import it, which then have to have fixed keys.
package prepared

import (
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

// Reader is what a prepared value can be that needs values of the workflow. Reads are paths of templates, such as trigger.data: calls find
// their values in the config, each where its path says. One that names nothing in the workflow is left out.
type Reader interface {
	Reads() []string
}

// exported is Func's side of the export prepare: it takes what is fixed and returns an answer.
var exported sdk.Func

// Func makes a node's function of two. prepare gets an object of the node's Fixed keys and returns what every call of run starts with, such as it
// was then: what a call changes in it is gone with that call. The error of prepare makes a workflow invalid, and its message is the reason. A module is
// one node, so Func is called once.
//
// In tests and in a warm-up the function gets a whole config, which is then prepare's and run's: neither may mind the other's keys.
func Func[T any](prepare func(fixed []byte) (T, error), run func(ctx *sdk.Context, prepared T, config []byte) ([]byte, error)) sdk.Func {
	if exported != nil {
		panic("prepared: Func was called twice: a module is one node")
	}
	var kept *T
	exported = func(_ *sdk.Context, fixed []byte) ([]byte, error) {
		v, err := prepare(fixed)
		if err != nil {
			return nil, err
		}
		kept = &v
		return answer(v), nil
	}
	return func(ctx *sdk.Context, config []byte) ([]byte, error) {
		if kept != nil {
			return run(ctx, *kept, config)
		}
		v, err := prepare(config)
		if err != nil {
			return nil, err
		}
		return run(ctx, v, config)
	}
}

// answer is what the host gets to know of a prepared value.
func answer(v any) []byte {
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
