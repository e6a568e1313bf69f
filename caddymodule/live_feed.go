package caddymodule

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/flowtrux/edge/caddymodule/console"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/feed"
	"github.com/flowtrux/edge/runtime/store"
)

// liveFeed is the feed of the process, with what has to be known of workflows to publish how they
// change. It is pooled, so that those who read go on after a reload: executions and the store do
// not begin anew there either. It is safe for concurrent use.
type liveFeed struct {
	feed  *feed.Feed
	waits atomic.Int64 // requests that wait for events

	mu sync.Mutex
	// the keys of the store and the journal that events are about
	sources   string
	workflows map[string]feed.Workflow // by id, as they were published last
}

func newLiveFeed() *liveFeed {
	return &liveFeed{feed: feed.New(0), workflows: make(map[string]feed.Workflow)}
}

// Destruct implements caddy.Destructor.
func (l *liveFeed) Destruct() error {
	l.feed.Close()
	return nil
}

func (a *App) acquireLive() error {
	l, release, err := acquire("feed", "", func() (*liveFeed, error) { return newLiveFeed(), nil })
	if err != nil {
		return err
	}
	a.life.onEnd(release)
	a.live = l
	return nil
}

// publishChanges begins to publish changes of the store. Only a config that was started does: one
// that is being loaded sees the same changes, and may not start. Workflows that are in another
// state than with the config before are published at once.
func (a *App) publishChanges() {
	a.publishing.Store(true)
	a.live.turnTo(a.sources)
	known := make(map[string]bool)
	for _, w := range a.catalog.List() {
		known[w.ID] = true
		a.workflowChanged(w.ID)
	}
	for _, id := range a.live.others(known) {
		a.workflowChanged(id)
	}
}

// turnTo is called with the keys of the store and the journal of a config that starts. If they are
// others than before, all that clients show is different.
func (l *liveFeed) turnTo(sources string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sources != "" && l.sources != sources {
		l.feed.Restart()
	}
	l.sources = sources
}

// others returns the ids of workflows that were published and are not among those known.
func (l *liveFeed) others(known map[string]bool) (ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.workflows {
		if !known[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// workflowChanged publishes a workflow that may have changed.
func (a *App) workflowChanged(id string) {
	if !a.publishing.Load() || !a.isLoaded() {
		return
	}
	l := a.live
	l.mu.Lock() // so that what is published last is how it is
	defer l.mu.Unlock()
	w := a.catalog.Workflow(id)
	if w == nil {
		if _, ok := l.workflows[id]; ok {
			delete(l.workflows, id)
			l.feed.Workflow(feed.Workflow{ID: id, Deleted: true})
		}
		return
	}
	now := feed.Workflow{ID: id, Revision: w.Revision, State: workflowState(w)}
	if l.workflows[id] != now {
		l.workflows[id] = now
		l.feed.Workflow(now)
	}
}

// batchApplied publishes the secrets and globals in a change of the store. Workflows are published
// when the catalog knows their state.
func (a *App) batchApplied(b store.Batch) {
	if !a.publishing.Load() || !a.live.feed.Watched() {
		return
	}
	if b.Reset { // nobody knows what has changed
		a.live.feed.Restart()
		return
	}
	for _, e := range b.Put {
		a.live.keyChanged(e.Key, false)
	}
	for _, key := range b.Delete {
		a.live.keyChanged(key, true)
	}
}

func (l *liveFeed) keyChanged(key string, deleted bool) {
	if id, ok := strings.CutPrefix(key, catalog.SecretPrefix); ok {
		l.feed.Secret(feed.Secret{ID: id, Deleted: deleted})
	} else if name, ok := strings.CutPrefix(key, catalog.GlobalPrefix); ok {
		l.feed.Global(feed.Global{Key: name, Deleted: deleted})
	}
}

// read returns a reader of the events after a cursor, or from now on if it is "".
func (l *liveFeed) read(after string) *feed.Reader {
	if after == "" {
		return l.feed.Reader(nil)
	}
	c := feed.ParseCursor(after)
	return l.feed.Reader(&c)
}

// stream returns the events after a cursor for a stream of a console.
func (l *liveFeed) stream(_ context.Context, after string) (console.Events, error) {
	return streamedEvents{l.read(after)}, nil
}

// streamedEvents are the events of a feed as a console streams them.
type streamedEvents struct{ *feed.Reader }

// Position implements console.Events.
func (s streamedEvents) Position() string { return s.Reader.Position().String() }

// Next implements console.Events.
func (s streamedEvents) Next(ctx context.Context) (console.Page, error) {
	p, err := s.Read(ctx)
	if err != nil {
		return console.Page{}, &console.StatusError{Status: http.StatusServiceUnavailable, Err: err}
	}
	out := console.Page{Next: p.Next.String(), Reset: p.Reset, Events: make([]console.Event, 0, len(p.Events))}
	for _, e := range p.Events {
		out.Events = append(out.Events, console.Event{ID: e.Cursor, JSON: e.JSON})
	}
	return out, nil
}
