package feed

import (
	"context"
	"slices"
)

// maxPage limits the JSON of the events on a page, in bytes. There is at least one.
const maxPage = 256 << 10

// Event is an event as clients get it. It is shared by all of them and must not be changed.
type Event struct {
	Cursor string // the text of its Cursor
	JSON   []byte
}

// Page is what a client gets at once.
type Page struct {
	Events []Event
	// Next is where the next page begins.
	Next Cursor
	// Reset means that events are missing before Next: the client has to load again what it shows.
	// There are no Events then.
	Reset bool
}

// Reader reads a feed. While there is one, events are published. It belongs to one goroutine, which
// calls Close.
type Reader struct {
	feed *Feed
	at   Cursor
}

// Reader returns a reader of the events after a cursor. nil means those from now on.
func (f *Feed) Reader(after *Cursor) *Reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.enter()
	r := &Reader{feed: f, at: f.end()}
	if after != nil {
		r.at = *after
	}
	return r
}

// Position returns where the next page begins.
func (r *Reader) Position() Cursor { return r.at }

// Close ends reading.
func (r *Reader) Close() {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	r.feed.leave()
}

// Read returns the events after those of the last page. If there are none, it waits until ctx ends,
// and returns an empty page then. The error is ErrClosed.
func (r *Reader) Read(ctx context.Context) (Page, error) {
	for {
		p, wake, err := r.read()
		if wake == nil || err != nil {
			return p, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return p, nil
		}
	}
}

// read is Read without waiting. If there is nothing to read, wake is closed when there may be.
func (r *Reader) read() (p Page, wake <-chan struct{}, err error) {
	f := r.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	switch end := f.end(); {
	case f.closed:
		return Page{Next: r.at}, nil, ErrClosed
	case !f.has(r.at):
		r.at = end
		return Page{Next: end, Reset: true}, nil, nil
	case r.at == end:
		if f.wake == nil {
			f.wake = make(chan struct{})
		}
		return Page{Next: end}, f.wake, nil
	}
	rest := f.events[r.at.seq+1-(f.next-uint64(len(f.events))):]
	n, bytes := 1, len(rest[0].JSON)
	for ; n < len(rest) && bytes+len(rest[n].JSON) <= maxPage; n++ {
		bytes += len(rest[n].JSON)
	}
	r.at.seq += uint64(n)
	return Page{Events: slices.Clone(rest[:n]), Next: r.at}, nil, nil
}
