package record

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/secret"
	"github.com/flowtrux/edge/runtime/trace"
)

const (
	// maxRecord bounds all values of a record together, in bytes. Values that no longer fit are
	// treated as too long.
	maxRecord = 1 << 20
)

// view shows the values of an ended execution. Its methods are called for nodes in plan order.
//
// The input of a node is not stored while it runs, because few executions need it. Instead its
// templates are resolved again. They give the same values: outputs do not change, and the globals
// that were read are in the trace. If secrets are among them, the templates are resolved a second
// time, from masked values. So a secret is masked exactly where a template has put it.
//
// An effort bounds the work. Once it is over, nothing more is shown, because it is unknown which
// parts would have to be masked. The rest of the record is marked as cut.
type view struct {
	x        *engine.Execution
	plan     *flow.Plan
	result   *engine.Result
	limits   engine.Limits
	masks    bool // the execution has resolved secrets
	masker   secret.Masker
	effort   *effort
	ignorant bool       // the effort was over before all secrets were known
	left     int        // bytes left for values
	event    flow.Event // as shown
	outputs  [][]byte   // as shown
	cache    flow.Cache // of shown values
	inputs   inputs
}

func newView(e *effort, x *engine.Execution, r *engine.Result) *view {
	v := &view{x: x, plan: x.Program().Plan, result: r, limits: x.Engine().Limits(), effort: e, left: maxRecord, event: *x.Event()}
	v.outputs = x.Scope().Outputs
	v.findSecrets()
	v.ignorant = v.effort.over()
	v.masker = x.Secrets().NewMasker(e)
	if v.masks = x.Secrets().Any(); v.masks {
		v.event.Data, _ = v.masker.Append(nil, v.event.Data)
		v.event.Query, _ = v.masker.Append(nil, v.event.Query)
		v.event.Headers, _ = v.masker.Append(nil, v.event.Headers)
		v.outputs = make([][]byte, len(v.outputs))
	}
	return v
}

// findSecrets finds the secrets of nodes that ran in an earlier process.
func (v *view) findSecrets() {
	for n := range v.result.Nodes {
		if !v.resumed(n) {
			continue
		}
		node := &v.plan.Nodes[n]
		scope := v.x.Scope()
		scope.Meter = v.effort
		// an error leaves the secrets found so far
		_, _ = node.Config.Append(nil, &scope, v.limits.NodeInput)
		if node.ForEach != nil {
			_, _ = node.ForEach.Append(nil, &scope, v.limits.ExecutionMemory)
		}
		v.x.Secrets().Add(scope.Secrets)
	}
}

// resumed reports whether a node has completed in an earlier process.
func (v *view) resumed(n int) bool {
	r := &v.result.Nodes[n]
	return n > 0 && r.State == engine.Completed && r.Started.IsZero()
}

// trigger returns the trigger as the record shows it.
func (v *view) trigger() *journal.Trigger {
	ev := v.x.Event()
	return &journal.Trigger{
		Data: v.value(v.event.Data, string(v.event.Data) != string(ev.Data)), Headers: v.value(v.event.Headers, string(v.event.Headers) != string(ev.Headers)),
		Method: ev.Method, ClientIP: ev.ClientIP, ReceivedAt: ev.ReceivedAt,
	}
}

// value returns a shown JSON value as the record has it. masked says whether it differs from the
// original.
func (v *view) value(shown []byte, masked bool) journal.Value {
	switch {
	case len(shown) == 0:
		return journal.Value{}
	case !v.effort.Spend(len(shown)):
		return journal.Value{Cut: true}
	case len(shown) <= min(trace.MaxValue, v.left):
		v.left -= len(shown)
		return journal.Value{Text: string(shown), Masked: masked}
	}
	sum := sha256.Sum256(shown) // of the shown value: a secret could be guessed from its digest
	return journal.Value{Size: len(shown), SHA256: hex.EncodeToString(sum[:]), Masked: masked}
}

// fixed returns a node's fixed config as the record shows it.
func (v *view) fixed(n int) journal.Value {
	part := v.plan.Nodes[n].Fixed
	if len(part) == 0 || !v.masks {
		return v.value(part, false)
	}
	shown, masked := v.masker.Append(nil, part)
	return v.value(shown, masked)
}

// output returns a node's output as the record shows it. It is called after input.
func (v *view) output(n int) journal.Value {
	out := v.result.Nodes[n].Output
	if len(out) == 0 || !v.masks {
		return v.value(out, false)
	}
	shown, masked := v.masker.Append(nil, out)
	v.outputs[n] = shown
	return v.value(shown, masked)
}

// input returns the config that a node was called with, as the record shows it. It returns no value
// if the node was not called, or if the config is not known exactly.
func (v *view) input(n int) journal.Value {
	r := &v.result.Nodes[n]
	called := r.Attempts > 0
	if !called && !v.resumed(n) {
		return journal.Value{}
	}
	if v.effort.over() {
		return journal.Value{Cut: true}
	}
	i := &v.inputs
	i.begin(v, n)
	value := i.of(n)
	switch {
	case v.effort.over(): // values that its templates made from secrets are unknown
		v.masker.HideAll()
		return journal.Value{Cut: true}
	case i.unknown:
		return journal.Value{}
	}
	return value
}

// inputs resolves the templates of nodes again, one node after the other.
type inputs struct {
	view    *view
	plain   flow.Scope             // as the templates saw it
	shown   *flow.Scope            // with secrets masked; nil = no secrets
	globals map[string]flow.Global // that the templates found
	masked  map[string][]byte      // secret globals, as shown
	// the value that a template found for a global is unknown
	unknown bool
	limit   int
}

// begin prepares i for node n.
func (i *inputs) begin(v *view, n int) {
	*i = inputs{view: v, plain: v.x.Scope(), globals: v.x.Trace().Globals(n), limit: v.limits.NodeInput}
	i.plain.Meter, i.plain.Global = v.effort, i.global
	if v.masks {
		shown := i.plain
		i.shown = &shown
		i.shown.Event, i.shown.Outputs, i.shown.Cache, i.shown.Global = &v.event, v.outputs, &v.cache, i.shownGlobal
	}
}

// global returns a global as the node found it.
func (i *inputs) global(key string) ([]byte, bool) {
	g, ok := i.globals[key]
	if !ok || g.Changed {
		i.unknown = true
		g.Value, _ = i.view.x.Scope().Global(key)
	}
	return g.Value, g.Value != nil
}

// shownGlobal is global with secrets masked.
func (i *inputs) shownGlobal(key string) ([]byte, bool) {
	value, ok := i.global(key)
	if !ok || !flow.IsSecretGlobal(key) {
		return value, ok
	}
	if i.masked == nil {
		i.masked = make(map[string][]byte)
	}
	if i.masked[key] == nil {
		i.masked[key] = secret.MaskAll(value, i.view.effort)
	}
	return i.masked[key], true
}

// of returns the input of node n as the record shows it.
func (i *inputs) of(n int) journal.Value {
	node := &i.view.plan.Nodes[n]
	if node.ForEach == nil {
		shown, masked, ok := i.resolve(nil, node.Config)
		if !ok {
			return journal.Value{}
		}
		return i.view.value(shown, masked)
	}
	items, shownItems, ok := i.items(node.ForEach)
	if !ok {
		return journal.Value{}
	}
	if !i.view.resumed(n) {
		items = items[:min(i.view.x.Trace().Items(n), len(items))]
	}
	all, masked := []byte("["), false
	for at := range items {
		i.plain.Item, i.plain.Index = items[at], at
		if i.shown != nil {
			i.shown.Index = at
			if i.shown.Item = secret.Hidden; at < len(shownItems) {
				i.shown.Item = shownItems[at]
			}
		}
		if at > 0 {
			all = append(all, ',')
		}
		var other bool
		if all, other, ok = i.resolve(all, node.Config); !ok {
			return journal.Value{}
		}
		masked = masked || other
		if len(all) > i.limit { // it will not be shown
			if i.view.masks {
				i.view.masker.HideAll()
			}
			return journal.Value{Size: len(all), Masked: masked}
		}
	}
	return i.view.value(append(all, ']'), masked)
}

// items returns the items of forEach, original and shown.
func (i *inputs) items(forEach *flow.Template) (items, shown [][]byte, ok bool) {
	limit := i.view.limits.ExecutionMemory
	list, err := forEach.Append(nil, &i.plain, limit)
	if err != nil || rawjson.KindOf(list) != rawjson.Array {
		return nil, nil, false
	}
	if i.view.masks {
		list, err := forEach.Append(nil, i.shown, limit)
		if err == nil && rawjson.KindOf(list) == rawjson.Array {
			shown = elements(list)
		}
	}
	return elements(list), shown, true
}

// elements returns the elements of an array.
func elements(list []byte) (values [][]byte) {
	rawjson.Elements(list, func(v []byte) bool {
		values = append(values, v)
		return true
	})
	return values
}

// resolve appends a config as shown and reports whether anything in it is masked. From here on,
// values that its templates made from secrets are masked.
func (i *inputs) resolve(dst []byte, t *flow.Template) (_ []byte, masked, ok bool) {
	start := len(dst)
	dst, err := t.Append(dst, &i.plain, i.limit)
	if err != nil || !i.view.masks {
		return dst, false, err == nil
	}
	plain := append([]byte(nil), dst[start:]...)
	// a mask can be longer than what it hides
	shown, err := t.Append(nil, i.shown, i.limit+len(plain))
	if err != nil {
		return dst, false, false
	}
	m := &i.view.masker
	m.Learn(plain, shown)
	dst = m.AppendTexts(dst[:start], shown)
	return dst, string(dst[start:]) != string(plain), true
}
