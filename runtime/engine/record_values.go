package engine

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/secret"
	"github.com/flowtrux/edge/runtime/trace"
)

const (
	// maxRecord bounds all values of a record together, in bytes. Those that come too late are as
	// if they were too long.
	maxRecord = 1 << 20
)

// view is what is shown of the values of an execution that has ended. Nodes are looked at in plan
// order.
//
// What a node was called with is not kept while it runs, which would cost all executions what few
// need: its templates are resolved again. They give the same, as outputs do not change and the
// globals they found were noted. Where secrets are among them they are resolved a second time, from
// what is shown of the outputs before: so a secret is masked exactly where a template has put it.
//
// All of it is bounded by an effort. When that is over nothing more is shown, and the rest of the
// record is marked as cut: what would have to be masked in it is not known.
type view struct {
	x        *execution
	masks    bool // there are secrets
	masker   secret.Masker
	effort   *effort
	ignorant bool       // the effort was over before all secrets were known
	left     int        // bytes that the record may still take
	event    flow.Event // as it is shown
	outputs  [][]byte   // as they are shown
	cache    flow.Cache // of what is shown
	inputs   inputs
}

func newView(e *effort, x *execution) *view {
	v := &view{x: x, effort: e, left: maxRecord, event: *x.event, outputs: x.outputs}
	v.findSecrets()
	v.ignorant = v.effort.over()
	v.masker = x.secrets.NewMasker(e)
	if v.masks = x.secrets.Any(); v.masks {
		v.event.Data, _ = v.masker.Append(nil, x.event.Data)
		v.event.Query, _ = v.masker.Append(nil, x.event.Query)
		v.event.Headers, _ = v.masker.Append(nil, x.event.Headers)
		v.outputs = make([][]byte, len(x.outputs))
	}
	return v
}

// findSecrets looks for the secrets of nodes that ran in an earlier process.
func (v *view) findSecrets() {
	for n := range v.x.results {
		if !v.resumed(n) {
			continue
		}
		node := &v.x.program.Plan.Nodes[n]
		scope := v.x.scope()
		scope.Meter = v.effort
		// as far as it goes
		_, _ = node.Config.Append(nil, &scope, v.x.engine.config.Limits.NodeInput)
		if node.ForEach != nil {
			_, _ = node.ForEach.Append(nil, &scope, v.x.engine.config.Limits.ExecutionMemory)
		}
		v.x.secrets.Add(scope.Secrets)
	}
}

// resumed tells whether a node has completed in an earlier process.
func (v *view) resumed(n int) bool {
	r := &v.x.results[n]
	return n > 0 && r.State == Completed && r.Started.IsZero()
}

// trigger is what started the execution.
func (v *view) trigger() *journal.Trigger {
	ev := v.x.event
	return &journal.Trigger{
		Data: v.value(v.event.Data, string(v.event.Data) != string(ev.Data)), Headers: v.value(v.event.Headers, string(v.event.Headers) != string(ev.Headers)),
		Method: ev.Method, ClientIP: ev.ClientIP, ReceivedAt: ev.ReceivedAt,
	}
}

// value is a JSON value as a record has it: what is shown of one, and whether that is something
// else.
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
	sum := sha256.Sum256(shown) // of what may be shown: a digest of a secret could be guessed at
	return journal.Value{Size: len(shown), SHA256: hex.EncodeToString(sum[:]), Masked: masked}
}

// fixed is what is shown of the fixed part of a node's config.
func (v *view) fixed(n int) journal.Value {
	part := v.x.program.Plan.Nodes[n].Fixed
	if len(part) == 0 || !v.masks {
		return v.value(part, false)
	}
	shown, masked := v.masker.Append(nil, part)
	return v.value(shown, masked)
}

// output is what is shown of a node's output. It comes after its input.
func (v *view) output(n int) journal.Value {
	out := v.x.results[n].Output
	if len(out) == 0 || !v.masks {
		return v.value(out, false)
	}
	shown, masked := v.masker.Append(nil, out)
	v.outputs[n] = shown
	return v.value(shown, masked)
}

// input is what is shown of what a node was called with; none when it was not called, or when that
// cannot be told exactly.
func (v *view) input(n int) journal.Value {
	r := &v.x.results[n]
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
	case v.effort.over(): // what its templates have put together from secrets is not known
		v.masker.HideAll()
		return journal.Value{Cut: true}
	case i.unknown:
		return journal.Value{}
	}
	return value
}

// inputs resolves a node's templates again, for one node after the other.
type inputs struct {
	view    *view
	plain   flow.Scope             // what the templates have seen
	shown   *flow.Scope            // the same with secrets masked; nil = there are none
	globals map[string]flow.Global // that they have found
	masked  map[string][]byte      // secret ones of them as they are shown
	// one has asked for a global of which it is not known what it has found
	unknown bool
	limit   int
}

// begin begins with a node.
func (i *inputs) begin(v *view, n int) {
	*i = inputs{view: v, plain: v.x.scope(), globals: v.x.trace.Globals(n), limit: v.x.engine.config.Limits.NodeInput}
	i.plain.Meter, i.plain.Global = v.effort, i.global
	if v.masks {
		shown := i.plain
		i.shown = &shown
		i.shown.Event, i.shown.Outputs, i.shown.Cache, i.shown.Global = &v.event, v.outputs, &v.cache, i.shownGlobal
	}
}

// global is a global as the node has found it.
func (i *inputs) global(key string) ([]byte, bool) {
	g, ok := i.globals[key]
	if !ok || g.Changed {
		i.unknown = true
		g.Value, _ = i.view.x.engine.global(key)
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

func (i *inputs) of(n int) journal.Value {
	node := &i.view.x.program.Plan.Nodes[n]
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
		items = items[:min(i.view.x.trace.Items(n), len(items))]
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
		if len(all) > i.limit { // enough was looked at
			if i.view.masks {
				i.view.masker.HideAll()
			}
			return journal.Value{Size: len(all), Masked: masked}
		}
	}
	return i.view.value(append(all, ']'), masked)
}

// items are the items of forEach, and what is shown of them.
func (i *inputs) items(forEach *flow.Template) (items, shown [][]byte, ok bool) {
	limit := i.view.x.engine.config.Limits.ExecutionMemory
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

// resolve appends what is shown of a config, and tells whether that is something else. What the
// templates put together from secrets is masked from here on.
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
