package catalog

import (
	"bytes"
	"context"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
	"github.com/flowtrux/edge/runtime/store"
)

// maxVersions is the maximum number of documents of a workflow that wait to be compiled. If a
// document is invalid, the one before it is compiled. If documents are replaced faster than they
// are prepared, the oldest are dropped.
const maxVersions = 8

// task finds the version of a workflow that serves: the newest valid one.
type task struct {
	id      string
	entries []store.Entry // the newest first; never changed
	nodes   *engine.Nodes
	loaded  zapcore.Level // for the log line if the newest is valid

	ctx    context.Context // ends when the task is given up
	cancel context.CancelFunc
	done   chan struct{} // closed when the task is over and readers see it

	// Used by the owner of the turn: Apply, then one goroutine after the other.
	at          int                 // index of the current entry
	preparation *engine.Preparation // of the current entry
	problems    []flow.Problem      // of the newest document
	found       *found              // nil = none so far

	// Guarded by the catalog's lock.
	level   int  // turns that did not settle it
	missing int  // node types that it still waits for
	ousted  bool // its turn was ended early
	noted   bool // the rejection of the newest document has been logged
}

// found is the version that serves.
type found struct {
	entry   store.Entry
	program *engine.Program
	scheme  *signature.Scheme
}

// newTask returns a task for documents, the newest first. Duplicates are dropped.
func (c *Catalog) newTask(id string, entries []store.Entry, loaded zapcore.Level) *task {
	t := &task{id: id, nodes: c.options.Nodes, loaded: loaded, done: make(chan struct{})}
	for _, e := range entries {
		same := func(o store.Entry) bool { return o.Revision == e.Revision && bytes.Equal(o.Value, e.Value) }
		if len(t.entries) < maxVersions && !slices.ContainsFunc(t.entries, same) {
			t.entries = append(t.entries, e)
		}
	}
	t.ctx, t.cancel = context.WithCancel(c.ctx)
	t.preparation = t.nodes.Preparation(flow.PrepareFuelStored)
	return t
}

// round compiles documents until the version that serves is known or ctx ends. If ctx is
// unprepared, it prepares nothing. It reports whether the version is known.
func (t *task) round(ctx context.Context) bool {
	for t.at < len(t.entries) {
		e := t.entries[t.at]
		t.preparation.Begin(ctx)
		program, scheme, err := compileRound(t.id, e, t.preparation, t.nodes)
		switch {
		case t.preparation.Unfinished():
			return false
		case err == nil:
			t.found = &found{e, program, scheme}
			return true
		case t.at == 0:
			t.problems = problems(err)
		}
		t.at++
		t.preparation = t.nodes.Preparation(flow.PrepareFuelStored)
	}
	return true
}

// workflow returns the workflow as known so far. before is the workflow without the task, or nil.
func (t *task) workflow(before *Workflow) *Workflow {
	newest := t.entries[0]
	w := &Workflow{ID: t.id, Revision: newest.Revision, Document: newest.Value, Problems: t.problems}
	switch {
	case t.found != nil:
		w.serve(t.found)
		if t.at == 0 {
			w.Warnings = w.Program.Plan.Warnings
		}
	case before != nil && before.Program != nil:
		w.Program, w.Serving, w.serving = before.Program, before.Serving, before.serving
		w.Active, w.Webhook, w.Scheme, w.own = before.Active, before.Webhook, before.Scheme, before.own
	default:
		w.peek()
	}
	return w
}

// serve makes f the version that serves.
func (w *Workflow) serve(f *found) {
	plan := f.program.Plan
	w.Program, w.Serving, w.serving, w.Scheme = f.program, f.entry.Revision, f.entry.Value, f.scheme
	w.Active, w.Webhook = plan.Active, plan.Webhook != nil
	if w.Webhook {
		w.own = ownKeys(plan.Webhook.Secret)
	}
}

// next continues a task that is not settled: it waits for node types, or for its turn. The caller
// holds the lock.
func (c *Catalog) next(t *task) {
	missing := t.preparation.Missing()
	if len(missing) == 0 {
		c.enqueue(t)
		return
	}
	t.missing = len(missing)
	for _, name := range missing {
		loading := c.waiting[name] != nil
		c.waiting[name] = append(c.waiting[name], t)
		if !loading {
			c.work.Go(func() { c.load(name) })
		}
	}
}

// load loads a node type for the tasks that wait for it.
func (c *Catalog) load(name string) {
	err := c.options.Nodes.Load(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	tasks := c.waiting[name]
	delete(c.waiting, name)
	if c.options.Context.Err() != nil {
		return // this caused the failure; the tasks may not know yet
	}
	for _, t := range tasks {
		if err != nil {
			t.preparation.Failed(name, err)
		}
		if t.missing--; t.missing == 0 {
			c.enqueue(t)
		}
	}
}

// turn runs a task until it is settled or ctx ends.
func (c *Catalog) turn(ctx context.Context, t *task) {
	before := t.preparation.Prepared()
	settled := t.round(ctx)

	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.turns.slow, t)
	ousted := t.ousted
	t.ousted = false
	if t.ctx.Err() != nil {
		return // the task was given up
	}
	place := c.current.Load().workflows[t.id]
	w := t.workflow(place.Load())
	if !settled {
		w.Preparing = t.done
	}
	place.Store(w.withSecret(c.secrets[t.id]))
	defer c.options.Changed(t.id)
	c.serve(t.id)
	c.note(t, w)
	if settled {
		t.cancel()
		delete(c.preparing, t.id)
		close(t.done)
		return
	}
	if t.level < firstSlow-1 || t.preparation.Prepared() == before && !ousted {
		t.level++
	}
	c.next(t)
}

// maxLogged is the maximum number of a document's problems in the log.
const maxLogged = 5

// note stores and logs the outcome of a task. The caller holds the lock.
func (c *Catalog) note(t *task, w *Workflow) {
	invalid := len(w.Problems) > 0
	if !invalid && w.Preparing == nil {
		c.forget(w.ID)
		c.options.Logger.Log(t.loaded, "workflow loaded", zap.String("workflow", w.ID), zap.Int64("revision", w.Revision))
		return
	}
	if kept, ok := c.kept[w.ID]; w.Program != nil && (!ok || kept != w.Serving) {
		c.kept[w.ID] = w.Serving
		c.options.Keep(WorkflowPrefix+w.ID, w.serving, w.Serving)
	}
	if invalid && !t.noted {
		t.noted = true
		c.options.Logger.Warn("workflow rejected", zap.String("workflow", w.ID), zap.Int64("revision", w.Revision),
			zap.Int64("serving", w.Serving), zap.Int("count", len(w.Problems)),
			zap.Stringers("problems", w.Problems[:min(len(w.Problems), maxLogged)]))
		c.options.Rejected(w.ID, w.Revision, w.Problems)
	}
}

// forget drops the last valid document that Keep holds for a workflow. The caller holds the lock.
func (c *Catalog) forget(id string) {
	if _, ok := c.kept[id]; ok {
		delete(c.kept, id)
		c.options.Keep(WorkflowPrefix+id, nil, 0)
	}
}
