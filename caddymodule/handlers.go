package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// handlers are the webhook handlers of a config, by prefix. It is safe for concurrent use.
type handlers struct {
	mu       sync.Mutex
	byPrefix map[string]*Handler
}

// add adds a handler. Of several with a prefix, the first stays.
func (h *handlers) add(handler *Handler) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byPrefix == nil {
		h.byPrefix = make(map[string]*Handler)
	}
	if h.byPrefix[handler.Prefix] == nil {
		h.byPrefix[handler.Prefix] = handler
	}
}

// find returns the handler of a prefix, or the first by prefix for "".
func (h *handlers) find(prefix string) (*Handler, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.byPrefix) == 0 {
		return nil, errors.New("no site of this server takes webhooks: put the flowtrux directive in one")
	}
	known := slices.Sorted(maps.Keys(h.byPrefix))
	if prefix == "" {
		prefix = known[0]
	}
	if found := h.byPrefix[prefix]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("no site of this server takes webhooks at %q; there are: %s", prefix, strings.Join(known, ", "))
}
