package store

import "go.uber.org/zap"

// Module is implemented by guest modules of flowtrux.stores: it makes an engine from its
// configuration, with the settings of its mirror. Its methods are called after the module was
// provisioned. Neither they nor Provision open files, connections or goroutines: some
// configurations never run.
type Module interface {
	// StoreKey identifies the store and all its settings, with secrets only as a hash.
	// Configurations with the same key share one mirror and its engine, which outlives each of
	// them.
	StoreKey() string

	// NewEngine creates the engine, which is opened when the first configuration that uses it
	// starts. The engine must not retain the module or anything else of the configuration. logger
	// outlives configurations.
	NewEngine(logger *zap.Logger) (Engine, error)

	// CachePath returns the path of the last-known-good cache; "" = none.
	CachePath() string

	// SeedDir returns a directory of documents to import if the store is empty (see ReadSeed); "" =
	// none.
	SeedDir() string
}
