package store

import "go.uber.org/zap"

// Module is what a guest module of flowtrux.stores gives: an engine by its configuration, and what
// its mirror needs. Its methods are called after the module was provisioned. Neither they nor
// Provision open files, connections or goroutines: configurations are made that never run.
type Module interface {
	// StoreKey holds all that shapes the store, secrets only as a hash: configurations with the
	// same key share one mirror with its engine, which outlives each of them.
	StoreKey() string

	// NewEngine makes the engine, to be opened when the first configuration that uses it starts.
	// The engine must not hold on to the module or to anything else of the configuration; logger is
	// one that outlives configurations.
	NewEngine(logger *zap.Logger) (Engine, error)

	// CachePath is the file of the last-known-good cache; "" = none.
	CachePath() string

	// SeedDir is a directory of documents that are imported when the store is empty (see ReadSeed);
	// "" = none.
	SeedDir() string
}
