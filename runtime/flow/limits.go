package flow

// Bounds of documents and values. They are part of the format, not settings.
const (
	MaxDocument = 1 << 20 // bytes of a document
	MaxNodes    = 256     // nodes of a document
	MaxDepth    = 512     // levels of objects and arrays in a document or request body
	MaxProblems = 50      // problems that are collected before the rest is left for the next try

	// MaxPrepareFuel is what may be burnt to prepare all nodes of a document together, in units of
	// fuel: the same on every machine, and the top level of JavaScript for about a second on a fast
	// core. Of a source that declares functions it is some 10 MB. A document that is in a store
	// already may burn PrepareFuelStored: an earlier version gave each node 2 seconds.
	MaxPrepareFuel    = 150_000_000_000
	PrepareFuelStored = 4 * MaxPrepareFuel

	maxManifest  = 128 << 10 // bytes of a manifest
	maxTemplates = 1000      // templates of one node
	maxHandles   = 256       // handles of one node
)
