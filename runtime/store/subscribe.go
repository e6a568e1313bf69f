package store

import (
	"slices"

	"go.uber.org/zap"
)

// subscriber is one who asked for the content. Its apply is called with Mirror.delivering held.
type subscriber struct{ apply func(Batch) }

// Subscribe calls apply with the whole content as soon as there is any (at once, before Subscribe
// returns, when there is already) and then with each change, one call at a time, until cancel is
// called. After cancel has returned apply is not called again. Works before Open. apply may call
// Keep, Get, List and Status, but not cancel, Write or Close. A slow apply holds up the other
// subscribers and the engine, not those who read.
func (m *Mirror) Subscribe(apply func(Batch)) (cancel func()) {
	m.delivering.Lock()
	defer m.delivering.Unlock()
	s := &subscriber{apply}
	m.subscribers = append(m.subscribers, s)
	if b, ok := m.whole(); ok {
		apply(b)
	}
	return func() {
		m.delivering.Lock()
		defer m.delivering.Unlock()
		m.subscribers = slices.DeleteFunc(m.subscribers, func(other *subscriber) bool { return other == s })
	}
}

// whole is the whole content as a batch, if there is any.
func (m *Mirror) whole() (Batch, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.content.entries == nil {
		return Batch{}, false
	}
	return Batch{Reset: true, Revision: m.content.revision, Put: sorted(m.content.entries), Stale: !m.live, LastValid: sorted(m.lastValid)}, true
}

// apply takes a batch from the engine.
func (m *Mirror) apply(b Batch) error {
	m.delivering.Lock()
	defer m.delivering.Unlock()
	return m.deliver(b)
}

// serveCache serves what the cache file held, unless there is something better by now.
func (m *Mirror) serveCache() {
	m.delivering.Lock()
	defer m.delivering.Unlock()
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

// deliver takes a batch into the content and brings it to all subscribers, with delivering held.
func (m *Mirror) deliver(b Batch) error {
	m.mu.Lock()
	c, err := m.content.apply(b)
	if err != nil {
		m.mu.Unlock()
		return err
	}
	before := m.status().State
	m.content, m.live = c, !b.Stale
	m.updateSince(before)
	if b.Reset {
		b.LastValid = sorted(m.lastValid)
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
	m.appliedRevision = b.Revision
	close(m.applied)
	m.applied = make(chan struct{})
	m.mu.Unlock()
	m.markCacheStale()
	return nil
}

// Keep remembers value as the last valid document of a workflow that is invalid in the store; nil
// forgets it. What is kept comes with each Reset that a subscriber gets, and is in the cache. value
// must not change any more.
func (m *Mirror) SetLastValid(key string, value []byte, revision int64) {
	m.mu.Lock()
	var size int64
	for _, e := range m.lastValid {
		size += e.size()
	}
	e := Entry{Key: key, Value: value, Revision: revision}
	switch {
	case value == nil:
		delete(m.lastValid, key)
	case size-m.lastValid[key].size()+e.size() <= MaxContent:
		m.lastValid[key] = e
	default:
		m.log.Warn("a last valid document is not kept: there are too many", zap.String("key", key))
	}
	m.mu.Unlock()
	m.markCacheStale()
}
