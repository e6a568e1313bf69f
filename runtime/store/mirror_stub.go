package store

import "context"

// NewMirror does no I/O.
func NewMirror(o MirrorOptions) *Mirror { panic("stub") }

// Open loads the cache, opens the engine and follows it in the background. Idempotent and safe for concurrent use.
// It returns an error only for what the operator must mend (a directory that cannot be written, a foreign cache is only logged).
func (m *Mirror) Open(ctx context.Context) error { panic("stub") }

// Subscribe calls apply with the whole content as soon as there is any (at once, before Subscribe returns, when there is already) and then with
// each change, one call at a time, until cancel is called. After cancel has returned apply is not called again. Works before Open.
func (m *Mirror) Subscribe(apply func(Batch)) (cancel func()) { panic("stub") }

// Keep remembers value as the last valid document of a workflow that is invalid in the store; nil forgets it.
func (m *Mirror) Keep(key string, value []byte, revision int64) { panic("stub") }

// Write puts and deletes in one transaction; it returns when this mirror has applied it to its subscribers, or with ctx's error.
func (m *Mirror) Write(ctx context.Context, put []Entry, del []string) (int64, error) { panic("stub") }

// Get reads one entry from the mirror's copy.
func (m *Mirror) Get(key string) (Entry, bool) { panic("stub") }

// List gives the entries below a prefix, sorted by key.
func (m *Mirror) List(prefix string) []Entry { panic("stub") }

// Status tells the store's state.
func (m *Mirror) Status() Status { panic("stub") }

// Close ends following, flushes the cache and closes the engine. Idempotent.
func (m *Mirror) Close() error { panic("stub") }
