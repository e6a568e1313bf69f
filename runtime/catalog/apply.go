package catalog

import (
	"context"
	"maps"
	"runtime"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/store"
)

// Apply applies a batch of the store. When it returns, readers see its content, except for
// documents that must be prepared first. Problems of a document are logged once for each of its
// revisions, and change only the status of its workflow. The catalog retains the values of the
// batch. Calls must not overlap.
func (c *Catalog) Apply(b store.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.current.Load()
	a := &applying{catalog: c, before: before, touched: make(map[string]bool), loaded: zap.InfoLevel}
	if b.Reset {
		a.loaded = zap.DebugLevel // summarize logs one line for all
		a.next = &snapshot{workflows: make(map[string]*slot, len(before.workflows)), globals: make(map[string]Global)}
		a.secrets = make(map[string]*secret, len(c.secrets))
		a.noteEarlier(b)
	} else {
		a.next = &snapshot{workflows: maps.Clone(before.workflows), globals: maps.Clone(before.globals)}
		a.secrets = c.secrets
	}
	for _, e := range b.Put {
		a.put(e)
	}
	for _, key := range b.Delete {
		a.remove(key)
	}
	a.buildAll()
	a.setKeys()
	if b.Reset {
		a.forgetGone()
	}
	c.secrets = a.secrets
	c.current.Store(a.next)
	for id := range a.touched {
		c.serve(id)
	}
	for id := range c.serving {
		c.serve(id) // it may be gone
	}
	for _, t := range a.givenUp {
		close(t.done)
	}
	if b.Reset {
		a.summarize(b)
		c.isReady.Do(func() { close(c.ready) })
		for id := range before.workflows {
			a.touched[id] = true // it may be gone
		}
	}
	for id := range a.touched {
		c.options.Changed(id)
	}
}

// applying is one call of Apply. The lock of the catalog is held.
type applying struct {
	catalog *Catalog
	before  *snapshot
	next    *snapshot
	secrets map[string]*secret
	// documents that came with the batch, by workflow id, the newest first
	earlier map[string][]store.Entry
	changes []change        // documents to compile
	givenUp []*task         // tasks whose documents are replaced or gone
	touched map[string]bool // ids of workflows whose document or secret has changed
	loaded  zapcore.Level   // of the log line for each valid document
}

// change is a workflow with a new document.
type change struct {
	id    string
	entry store.Entry
	task  *task
	done  bool // its task is settled
}

// put applies one entry.
func (a *applying) put(e store.Entry) {
	log := a.catalog.options.Logger
	switch kind, name := split(e.Key); kind {
	case WorkflowPrefix:
		if a.before.workflow(name).isOf(e) {
			a.next.workflows[name] = a.before.workflows[name]
		} else {
			a.changes = append(a.changes, change{id: name, entry: e})
		}
		a.touched[name] = true
	case SecretPrefix:
		s := a.catalog.secrets[name]
		if !s.isOf(e) {
			s = newSecret(e)
			if s.problem != "" {
				log.Warn("secret rejected", zap.String("workflow", name), zap.Int64("revision", e.Revision), zap.String("problem", s.problem))
			}
		}
		a.secrets[name] = s
		a.touched[name] = true
	case GlobalPrefix:
		a.next.globals[name] = Global{name, globalValue(e.Value), e.Revision}
	default:
		log.Debug("unknown key in the store is ignored", zap.String("key", e.Key), zap.Int64("revision", e.Revision))
	}
}

// remove applies one deletion. Deletions follow the other changes of a batch, and no key is in
// both.
func (a *applying) remove(key string) {
	switch kind, name := split(key); kind {
	case WorkflowPrefix:
		if a.next.workflows[name] == nil {
			return
		}
		delete(a.next.workflows, name)
		a.touched[name] = true
		a.giveUp(name)
		a.catalog.forget(name)
		a.catalog.options.Logger.Info("workflow removed", zap.String("workflow", name))
	case SecretPrefix:
		delete(a.secrets, name)
		a.touched[name] = true
	case GlobalPrefix:
		delete(a.next.globals, name)
	}
}

// split splits a key into a known prefix and the rest. The prefix is "" when the key has none.
func split(key string) (kind, name string) {
	for _, prefix := range []string{WorkflowPrefix, SecretPrefix, GlobalPrefix} {
		if name, ok := strings.CutPrefix(key, prefix); ok && name != "" {
			return prefix, name
		}
	}
	return "", ""
}

// globalValue returns the value of a global as canonical JSON. Other text becomes a string.
func globalValue(stored []byte) []byte {
	if v, err := rawjson.AppendCanonical(nil, stored, flow.MaxDepth); err == nil {
		return v
	}
	return rawjson.AppendQuoted(nil, stored)
}

// atOnce limits the documents that one Apply compiles itself, in bytes. Compiling them takes less
// than 0.1 s.
const atOnce = 2 << 20

// unprepared is the context of a round that prepares nothing.
var unprepared context.Context

// buildAll compiles the new documents, several at a time, and enters them. Work that would take
// longer is left to the goroutines that prepare.
func (a *applying) buildAll() {
	left := atOnce
	now := make([]*change, 0, len(a.changes))
	for i := range a.changes {
		ch := &a.changes[i]
		ch.task = a.newTask(ch)
		if size := len(ch.entry.Value); size <= left {
			left -= size
			now = append(now, ch)
		}
	}
	var compiling errgroup.Group
	compiling.SetLimit(runtime.GOMAXPROCS(0))
	for _, ch := range now {
		compiling.Go(func() error {
			ch.done = ch.task.round(unprepared)
			return nil
		})
	}
	_ = compiling.Wait() // the problems of a document stay in its task
	for i := range a.changes {
		a.enter(&a.changes[i])
	}
}

// newTask returns the task of a new document, which replaces that of the workflow.
func (a *applying) newTask(ch *change) *task {
	was := a.before.workflow(ch.id)
	entries := []store.Entry{ch.entry}
	if t := a.giveUp(ch.id); t != nil {
		entries = append(entries, t.entries...)
	}
	if was == nil || was.Program == nil {
		entries = append(entries, a.earlier[ch.id]...)
	}
	return a.catalog.newTask(ch.id, entries, a.loaded)
}

// giveUp cancels the task of a workflow, if it has one, and returns it.
func (a *applying) giveUp(id string) *task {
	t := a.catalog.preparing[id]
	if t != nil {
		t.cancel()
		delete(a.catalog.preparing, id)
		a.givenUp = append(a.givenUp, t)
	}
	return t
}

// enter adds a workflow to the snapshot.
func (a *applying) enter(ch *change) {
	c, t := a.catalog, ch.task
	w := t.workflow(a.before.workflow(ch.id))
	if ch.done {
		t.cancel()
	} else {
		w.Preparing = t.done
		c.preparing[t.id] = t
		c.next(t)
	}
	a.next.workflows[w.ID] = slotOf(w)
	c.note(t, w)
}

// setKeys sets the secrets of each touched workflow.
func (a *applying) setKeys() {
	for id := range a.touched {
		if w := a.next.workflow(id); w != nil {
			a.next.workflows[id] = slotOf(w.withSecret(a.secrets[id]))
		}
	}
}

// noteEarlier collects the earlier documents of a batch: first those of the cache, then those
// stored because the cache had a newer, invalid one.
func (a *applying) noteEarlier(b store.Batch) {
	a.earlier = make(map[string][]store.Entry, len(b.Before)+len(b.LastValid))
	for _, e := range b.Before {
		if kind, id := split(e.Key); kind == WorkflowPrefix {
			a.earlier[id] = append(a.earlier[id], e)
		}
	}
	for _, e := range b.LastValid {
		if kind, id := split(e.Key); kind == WorkflowPrefix {
			a.earlier[id] = append(a.earlier[id], e)
			a.catalog.kept[id] = e.Revision
		}
	}
}

// forgetGone drops the last valid documents of workflows that are gone or valid, and the tasks of
// those that are gone.
func (a *applying) forgetGone() {
	c := a.catalog
	for id := range c.kept {
		if w := a.next.workflow(id); w == nil || len(w.Problems) == 0 && w.Preparing == nil {
			c.forget(id)
		}
	}
	for id := range c.preparing {
		if a.next.workflows[id] == nil {
			a.giveUp(id)
		}
	}
}

// summarize logs the size of a whole content.
func (a *applying) summarize(b store.Batch) {
	invalid := 0
	for _, s := range a.next.workflows {
		if len(s.Load().Problems) > 0 {
			invalid++
		}
	}
	a.catalog.options.Logger.Info("store content loaded", zap.Int64("revision", b.Revision), zap.Bool("stale", b.Stale),
		zap.Int("workflows", len(a.next.workflows)), zap.Int("invalid", invalid), zap.Int("preparing", len(a.catalog.preparing)),
		zap.Int("globals", len(a.next.globals)))
}
