package feed

import "context"

// maxPage limits the JSON of the events on a page, in bytes. There is at least one.
const maxPage = 256 << 10

// Event is an event as clients get it. Its JSON must not be changed.
type Event struct {
	Cursor Cursor
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
	first := f.next - uint64(len(f.events))
	bytes := 0
	for _, event := range f.events[r.at.seq+1-first:] {
		if bytes += len(event); bytes > maxPage && len(p.Events) > 0 {
			break
		}
		r.at.seq++
		p.Events = append(p.Events, Event{r.at, event})
	}
	p.Next = r.at
	return p, nil, nil
}
