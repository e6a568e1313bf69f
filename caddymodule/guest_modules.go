package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2"
)

// Stores and journals are guest modules of the app. A module in one of these namespaces implements
// store.Module or journal.Module, respectively.
const (
	storeNamespace   = "flowtrux.stores"
	journalNamespace = "flowtrux.journals"
	engineKey        = "engine" // the JSON key that names a guest module

	defaultStore   = "embedded"
	defaultJournal = "bbolt"
)

// engineNames returns the names of the guest modules that this Caddy has, sorted.
func engineNames(namespace string) []string {
	var names []string
	for _, m := range caddy.GetModules(namespace) {
		names = append(names, m.ID.Name())
	}
	slices.Sort(names)
	return names
}
