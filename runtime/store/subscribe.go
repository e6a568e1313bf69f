package store

import (
	"slices"

	"go.uber.org/zap"
)

// subscriber is one who asked for the content. Its apply is called with Mirror.delivery held.
type subscriber struct{ apply func(Batch) }

// Subscribe calls apply with the whole content as soon as there is any (at once, before Subscribe
// returns, when there is already) and then with each change, one call at a time, until cancel is
// called. After cancel has returned apply is not called again. Works before Open. apply may call
// Keep, Get, List and Status, but not cancel, Write or Close. A slow apply holds up the other
// subscribers and the engine, not those who read.
func (m *Mirror) Subscribe(apply func(Batch)) (cancel func()) {
	m.delivery.Lock()
	defer m.delivery.Unlock()
	s := &subscriber{apply}
	m.subscribers = append(m.subscribers, s)
	if b, ok := m.whole(); ok {
		apply(b)
	}
	return func() {
		m.delivery.Lock()
		defer m.delivery.Unlock()
		m.subscribers = slices.DeleteFunc(m.subscribers, func(other *subscriber) bool { return other == s })
	}
}

// whole is the whole content as a batch, if there is any.
func (m *Mirror) whole() (Batch, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.c.entries == nil {
		return Batch{}, false
	}
	return Batch{Reset: true, Revision: m.c.revision, Put: sorted(m.c.entries), Stale: !m.live, Kept: sorted(m.kept)}, true
}

// apply takes a batch from the engine.
func (m *Mirror) apply(b Batch) error {
	m.delivery.Lock()
	defer m.delivery.Unlock()
	return m.deliver(b)
}

// serveCache serves what the cache file held, unless there is something better by now.
func (m *Mirror) serveCache() {
	m.delivery.Lock()
	defer m.delivery.Unlock()
	if m.cached == nil {
		return
	}
	c := m.cached
	if err := m.deliver(Batch{Reset: true, Revision: c.Revision, Put: c.Entries, Stale: true}); err != nil {
		m.log.Warn("the cache of the store cannot be served", zap.Error(err))
		m.cached = nil
		return
	}
	m.log.Info("serving the store's content from the cache", zap.Int64("revision", c.Revision), zap.Int("keys", len(c.Entries)))
}

// deliver takes a batch into the content and brings it to all subscribers, with delivery held.
func (m *Mirror) deliver(b Batch) error {
	m.mu.Lock()
	c, err := m.c.step(b)
	if err != nil {
		m.mu.Unlock()
		return err
	}
	before := m.status().State
	m.c, m.live = c, !b.Stale
	m.noteState(before)
	if b.Reset {
		b.Kept = sorted(m.kept)
		if !b.Stale {
			b.Before = m.cached.changed(c.entries)
		}
	}
	m.mu.Unlock()
	m.cached = nil

	for _, s := range m.subscribers {
		s.apply(b)
	}

	m.mu.Lock()
	m.seen = b.Revision
	close(m.moved)
	m.moved = make(chan struct{})
	m.mu.Unlock()
	m.markUnsaved()
	return nil
}

// Keep remembers value as the last valid document of a workflow that is invalid in the store; nil
// forgets it. What is kept comes with each Reset that a subscriber gets, and is in the cache. value
// must not change any more.
func (m *Mirror) Keep(key string, value []byte, revision int64) {
	m.mu.Lock()
	var size int64
	for _, e := range m.kept {
		size += e.size()
	}
	e := Entry{Key: key, Value: value, Revision: revision}
	switch {
	case value == nil:
		delete(m.kept, key)
	case size-m.kept[key].size()+e.size() <= MaxContent:
		m.kept[key] = e
	default:
		m.log.Warn("a last valid document is not kept: there are too many", zap.String("key", key))
	}
	m.mu.Unlock()
	m.markUnsaved()
}
