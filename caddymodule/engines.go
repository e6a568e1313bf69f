package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/store"
)

const (
	storeNamespace   = "flowtrux.stores"
	journalNamespace = "flowtrux.journals"
	engineKey        = "engine" // the JSON key that names a guest module

	defaultStore   = "embedded"
	defaultJournal = "memory"
)

// StoreModule is what a guest module of flowtrux.stores gives. Its Provision checks the config and touches nothing:
// Caddy provisions configs that never run. Its methods are called after Provision.
type StoreModule interface {
	caddy.Module

	// StoreKey holds all that shapes the engine, secrets only as a hash: configs with the same key share one engine.
	StoreKey() string
	// NewEngine makes the engine without opening anything. It must not hold on to the module.
	NewEngine(logger *zap.Logger) (store.Engine, error)
	// CachePath is the file of the last-known-good cache; "" = none.
	CachePath() string
	// SeedDir is a directory of documents to import when the store is empty; "" = none.
	SeedDir() string
}

// engineNames are the guest modules that this Caddy has, sorted.
func engineNames(namespace string) []string {
	var names []string
	for _, m := range caddy.GetModules(namespace) {
		names = append(names, m.ID.Name())
	}
	slices.Sort(names)
	return names
}
