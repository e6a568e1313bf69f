package store

import (
	"slices"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"
)

// loadCache reads the cache file into cached and lastValid. Errors are only logged.
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

// serveCacheLater serves the cache if the store does not answer soon.
func (m *Mirror) serveCacheLater() {
	timer := time.NewTimer(cacheGrace)
	defer timer.Stop()
	select {
	case <-timer.C:
		m.serveCache()
	case <-m.running.Done():
	}
}

// markCacheStale notes that the cache is out of date.
func (m *Mirror) markCacheStale() {
	select {
	case m.cacheStale <- struct{}{}:
	default: // it is noted already
	}
}

// saveCacheLoop updates the cache file until the mirror is closed.
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

// savePause returns the pause after a write that took so long.
func savePause(took time.Duration) time.Duration {
	return min(max(pauseFactor*took, shortestPause), longestPause)
}

// flushCache updates the cache file when the mirror is closed.
func (m *Mirror) flushCache() {
	select {
	case <-m.cacheStale:
		m.saveCache()
	default:
	}
}

// saveCache writes the cache file if the content came from the store.
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

// validUTF8 returns entries by key, except those whose keys JSON cannot represent. Such keys have
// no meaning.
func validUTF8(entries map[string]Entry) []Entry {
	return slices.DeleteFunc(sorted(entries), func(e Entry) bool { return !utf8.ValidString(e.Key) })
}
