package store

import (
	"slices"

	"go.uber.org/zap"
)

// subscriber is a subscription. Its apply is called with Mirror.delivering held.
type subscriber struct{ apply func(Batch) }

// Subscribe calls apply with the whole content as soon as there is any, before it returns if there
// is some already, and then with each change, until cancel is called. Calls do not overlap, and
// there are none after cancel has returned. Subscribe works before Open. apply may call
// SetLastValid, Get, List and Status, but not cancel, Write or Close. A slow apply delays the other
// subscribers and the engine, but not readers.
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

// whole returns the whole content as a batch, if there is any.
func (m *Mirror) whole() (Batch, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.content.entries == nil {
		return Batch{}, false
	}
	return Batch{Reset: true, Revision: m.content.revision, Put: sorted(m.content.entries), Stale: !m.live, LastValid: sorted(m.lastValid)}, true
}

// apply applies a batch of the engine.
func (m *Mirror) apply(b Batch) error {
	m.delivering.Lock()
	defer m.delivering.Unlock()
	return m.deliver(b)
}

// serveCache serves the content of the cache file, unless newer content is there already.
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

// deliver applies a batch and delivers it to all subscribers. The caller holds delivering.
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

// SetLastValid sets the last valid document of a workflow that is invalid in the store; nil removes
// it. These documents come with each Reset that a subscriber gets, and are in the cache. value must
// not be changed any more.
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
