package store

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// content is a mirror's copy of its store.
type content struct {
	entries  map[string]Entry // nil = nothing was loaded yet
	size     int64            // of all entries
	revision int64
}

// apply returns the content after a batch. The receiver must not be used any more unless there is
// an error, which leaves it unchanged.
func (c content) apply(b Batch) (content, error) {
	next := content{entries: c.entries, size: c.size, revision: b.Revision}
	if b.Reset || c.entries == nil {
		next.entries, next.size = make(map[string]Entry, len(b.Put)), 0
	}
	for _, e := range b.Put {
		next.size += e.size() - next.entries[e.Key].size()
	}
	for _, key := range b.Delete {
		next.size -= next.entries[key].size()
	}
	if next.size > MaxContent {
		return c, fmt.Errorf("%w: %d bytes below the prefix, the most is %d", ErrFull, next.size, MaxContent)
	}
	for _, e := range b.Put {
		next.entries[e.Key] = e
	}
	for _, key := range b.Delete {
		delete(next.entries, key)
	}
	return next, nil
}

// sorted returns entries by key.
func sorted(entries map[string]Entry) []Entry {
	return slices.SortedFunc(maps.Values(entries), func(a, b Entry) int { return cmp.Compare(a.Key, b.Key) })
}

// Get reads one entry from the mirror's copy.
func (m *Mirror) Get(key string) (Entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.content.entries[key]
	return e, ok
}

// List returns the entries of the mirror's copy whose keys begin with prefix, sorted by key.
func (m *Mirror) List(prefix string) []Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Entry
	for key, e := range m.content.entries {
		if strings.HasPrefix(key, prefix) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b Entry) int { return cmp.Compare(a.Key, b.Key) })
	return list
}
