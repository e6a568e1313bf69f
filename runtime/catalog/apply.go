package catalog

import (
	"maps"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/store"
)

// Apply takes a step of the store's content; when it returns, readers see it. What is wrong with a document is logged once
// for each of its revisions, and changes nothing but what is known of its workflow. The catalog keeps the batch's
// values.
func (c *Catalog) Apply(b store.Batch) {
	before := c.current.Load()
	a := &applying{catalog: c, before: before, touched: make(map[string]bool), loaded: zap.InfoLevel}
	if b.Reset {
		a.loaded = zap.DebugLevel // one line sums them up
		a.next = &snapshot{workflows: make(map[string]*Workflow, len(before.workflows)), globals: make(map[string][]byte)}
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
		a.forgetKept()
	}
	c.secrets = a.secrets
	c.current.Store(a.next)
	if b.Reset {
		a.summarize(b)
		c.isReady.Do(func() { close(c.ready) })
	}
}

// applying is one Apply.
type applying struct {
	catalog *Catalog
	before  *snapshot
	next    *snapshot
	secrets map[string]*secret
	earlier map[string][]store.Entry // documents that came with the batch, by workflow id, the newest first
	changes []change                 // documents to compile
	touched map[string]bool          // ids of workflows whose document or secret has changed
	loaded  zapcore.Level            // of the log line for each valid document
}

// change is a workflow with a new document.
type change struct {
	id    string
	entry store.Entry
	made  *Workflow
}

// put takes one entry.
func (a *applying) put(e store.Entry) {
	log := a.catalog.options.Logger
	switch kind, name := split(e.Key); kind {
	case WorkflowPrefix:
		if was := a.before.workflows[name]; was.isOf(e) {
			a.next.workflows[name] = was
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
		a.next.globals[name] = globalValue(e.Value)
	default:
		log.Debug("unknown key in the store is ignored", zap.String("key", e.Key), zap.Int64("revision", e.Revision))
	}
}

// remove takes one deletion. Deletions come after the batch's other changes, and no key is in both.
func (a *applying) remove(key string) {
	switch kind, name := split(key); kind {
	case WorkflowPrefix:
		if a.next.workflows[name] == nil {
			return
		}
		delete(a.next.workflows, name)
		a.forget(name)
		a.catalog.options.Logger.Info("workflow removed", zap.String("workflow", name))
	case SecretPrefix:
		delete(a.secrets, name)
		a.touched[name] = true
	case GlobalPrefix:
		delete(a.next.globals, name)
	}
}

// split takes a key apart into a known prefix and what follows it. The prefix is "" when the key is none that is known.
func split(key string) (kind, name string) {
	for _, prefix := range []string{WorkflowPrefix, SecretPrefix, GlobalPrefix} {
		if name, ok := strings.CutPrefix(key, prefix); ok && name != "" {
			return prefix, name
		}
	}
	return "", ""
}

// globalValue is the value of a global as canonical JSON: what is not JSON is a text.
func globalValue(stored []byte) []byte {
	if v, err := rawjson.AppendCanonical(nil, stored, flow.MaxDepth); err == nil {
		return v
	}
	return rawjson.AppendQuoted(nil, stored)
}

// buildAll compiles the new documents, several at a time, and enters them.
func (a *applying) buildAll() {
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(a.changes)); i = next.Add(1) - 1 {
			ch := &a.changes[i]
			ch.made = a.catalog.build(ch.id, ch.entry, a.before.workflows[ch.id], a.earlier[ch.id])
		}
	}
	var others sync.WaitGroup
	for range min(len(a.changes), runtime.GOMAXPROCS(0)) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	for i := range a.changes {
		a.enter(a.changes[i].made)
	}
}

// maxLogged is how many problems of a document go to the log.
const maxLogged = 5

// enter makes a workflow known.
func (a *applying) enter(w *Workflow) {
	c := a.catalog
	a.next.workflows[w.ID] = w
	if len(w.Problems) == 0 {
		a.forget(w.ID)
		c.options.Logger.Log(a.loaded, "workflow loaded", zap.String("workflow", w.ID), zap.Int64("revision", w.Revision))
		return
	}
	if kept, ok := c.kept[w.ID]; w.Program != nil && (!ok || kept != w.Serving) {
		c.kept[w.ID] = w.Serving
		c.options.Keep(WorkflowPrefix+w.ID, w.serving, w.Serving)
	}
	c.options.Logger.Warn("workflow rejected", zap.String("workflow", w.ID), zap.Int64("revision", w.Revision),
		zap.Int64("serving", w.Serving), zap.Int("count", len(w.Problems)),
		zap.Stringers("problems", w.Problems[:min(len(w.Problems), maxLogged)]))
}

// setKeys gives each workflow that was touched the secrets that are in force.
func (a *applying) setKeys() {
	for id := range a.touched {
		if w := a.next.workflows[id]; w != nil {
			a.next.workflows[id] = w.withSecret(a.secrets[id])
		}
	}
}

// noteEarlier takes the earlier documents that come with a batch: those that the cache held, then those that were kept, of
// which the cache held a newer one that was invalid.
func (a *applying) noteEarlier(b store.Batch) {
	a.earlier = make(map[string][]store.Entry, len(b.Before)+len(b.Kept))
	for _, e := range b.Before {
		if kind, id := split(e.Key); kind == WorkflowPrefix {
			a.earlier[id] = append(a.earlier[id], e)
		}
	}
	for _, e := range b.Kept {
		if kind, id := split(e.Key); kind == WorkflowPrefix {
			a.earlier[id] = append(a.earlier[id], e)
			a.catalog.kept[id] = e.Revision
		}
	}
}

// forgetKept lets go of what was kept for workflows that are gone or valid.
func (a *applying) forgetKept() {
	for id := range a.catalog.kept {
		if w := a.next.workflows[id]; w == nil || len(w.Problems) == 0 {
			a.forget(id)
		}
	}
}

// forget ends keeping a workflow's last valid document.
func (a *applying) forget(id string) {
	if _, ok := a.catalog.kept[id]; ok {
		delete(a.catalog.kept, id)
		a.catalog.options.Keep(WorkflowPrefix+id, nil, 0)
	}
}

// summarize logs what a whole content was.
func (a *applying) summarize(b store.Batch) {
	invalid := 0
	for _, w := range a.next.workflows {
		if len(w.Problems) > 0 {
			invalid++
		}
	}
	a.catalog.options.Logger.Info("store content loaded", zap.Int64("revision", b.Revision), zap.Bool("stale", b.Stale),
		zap.Int("workflows", len(a.next.workflows)), zap.Int("invalid", invalid), zap.Int("globals", len(a.next.globals)))
}
