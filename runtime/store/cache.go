package store

import (
	"slices"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"
)

// loadCache reads the cache file into cached and kept. Whatever is wrong with it is only logged.
func (m *Mirror) loadCache() {
	c, err := m.cache.load()
	if err != nil {
		m.log.Warn("the cache of the store is ignored", zap.String("file", m.cache.path), zap.Error(err),
			zap.Bool("left_alone", m.cache.foreign))
	}
	if c == nil {
		return
	}
	m.delivering.Lock()
	m.cached = c
	m.delivering.Unlock()
	m.mu.Lock()
	for _, e := range c.LastValid {
		m.lastValid[e.Key] = e
	}
	m.mu.Unlock()
}

// serveCacheLater serves the cache when the store takes its time.
func (m *Mirror) serveCacheLater() {
	timer := time.NewTimer(cacheGrace)
	defer timer.Stop()
	select {
	case <-timer.C:
		m.serveCache()
	case <-m.running.Done():
	}
}

// markCacheStale says that the cache is behind.
func (m *Mirror) markCacheStale() {
	select {
	case m.cacheStale <- struct{}{}:
	default: // has been said already
	}
}

// save keeps the cache file up to date until the mirror is closed.
func (m *Mirror) saveCacheLoop() {
	for {
		select {
		case <-m.cacheStale:
		case <-m.running.Done():
			return
		}
		began := time.Now()
		m.saveCache()
		timer := time.NewTimer(savePause(time.Since(began)))
		select {
		case <-timer.C:
		case <-m.running.Done():
			timer.Stop()
			return
		}
	}
}

// savePause is the pause after a write that took so long.
func savePause(took time.Duration) time.Duration {
	return min(max(pauseFactor*took, shortestPause), longestPause)
}

// flushCache brings the cache file up to date when the mirror is closed.
func (m *Mirror) flushCache() {
	select {
	case <-m.cacheStale:
		m.saveCache()
	default:
	}
}

// saveCache writes the cache file if what the mirror holds came from the store.
func (m *Mirror) saveCache() {
	m.mu.Lock()
	c := &cacheContent{Revision: m.content.revision, Entries: validUTF8(m.content.entries), LastValid: validUTF8(m.lastValid)}
	live := m.live
	m.mu.Unlock()
	if !live {
		return
	}
	if err := m.cache.replace(c); err != nil {
		m.log.Warn("the cache of the store was not written", zap.String("file", m.cache.path), zap.Error(err))
	}
}

// textual gives entries by key, but for those whose keys JSON cannot hold. Nothing that has a
// meaning is named so.
func validUTF8(entries map[string]Entry) []Entry {
	return slices.DeleteFunc(sorted(entries), func(e Entry) bool { return !utf8.ValidString(e.Key) })
}
