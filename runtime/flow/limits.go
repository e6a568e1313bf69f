package flow

// Limits of documents and values. They are part of the format, not settings.
const (
	MaxDocument = 1 << 20 // bytes of a document
	MaxNodes    = 256     // nodes of a document
	MaxDepth    = 512     // levels of objects and arrays in a document or request body
	MaxProblems = 50      // problems that are collected before the rest is left for the next try

	// MaxPrepareFuel is the fuel for preparing all nodes of a document together. It is the same on
	// every machine: about a second of JavaScript on a fast core, or some 10 MB of source that
	// declares functions. A document that is already stored may use PrepareFuelStored, as an
	// earlier version gave each node 2 seconds.
	MaxPrepareFuel    = 150_000_000_000
	PrepareFuelStored = 4 * MaxPrepareFuel

	maxManifest  = 128 << 10 // bytes of a manifest
	maxTemplates = 1000      // templates of one node
	maxHandles   = 256       // handles of one node
)
