package console

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// eventsPath is the path of the events. The API serves pages of them, and the console a stream to
// whoever accepts one.
const eventsPath = adminapi.Base + "events"

const (
	// heartbeat is the time between two lines of a stream in which nothing happens. It is shorter
	// than the idle timeouts of proxies.
	heartbeat = 15 * time.Second

	// breath is the pause after a page. Many events become few writes, so that readers do not slow
	// down what they watch.
	breath = 250 * time.Millisecond

	// writeWait is how long a client may take for what it was sent.
	writeWait = 10 * time.Second

	// reconnect is how long a client waits, in milliseconds, before it connects again. A reload
	// ends all streams.
	reconnect = "500"

	// maxStreams is how many streams a process serves at the same time, and retryAfter how many
	// seconds later a client that is refused may try again.
	maxStreams = 256
	retryAfter = "10"

	// maxBuffer is how much memory a stream holds between pages, in bytes.
	maxBuffer = 64 << 10

	// maxCursor is the maximum length of a client's cursor, in bytes.
	maxCursor = 128
)

// Event is an event as a stream sends it.
type Event struct {
	// ID is the cursor of the event; "" = that of the next event that has one.
	ID   string
	JSON []byte // without newlines
}

// Page holds the events that a stream sends at once.
type Page struct {
	Events []Event
	Next   string // the cursor behind the last one
	// Reset means that events are missing before Next: the client has to load again what it shows.
	Reset bool
}

// Events is what a stream reads from. It belongs to one goroutine.
type Events interface {
	// Position returns the cursor at which reading begins.
	Position() string

	// Next waits for events. It returns an empty page when ctx ends, or sooner.
	Next(ctx context.Context) (Page, error)

	// Close ends reading.
	Close()
}

// StatusError is an error that has a status for HTTP.
type StatusError struct {
	Status int
	Err    error
}

// Error implements error.
func (e *StatusError) Error() string { return e.Err.Error() }

// Unwrap returns what the status is added to.
func (e *StatusError) Unwrap() error { return e.Err }

// streams are the open streams of a console.
type streams struct {
	open  func(ctx context.Context, after string) (Events, error)
	until context.Context
}

// openStreams counts the streams of the process, of all its consoles.
var openStreams atomic.Int64

// wantsStream reports whether a request asks for a stream of events instead of a page.
func wantsStream(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == eventsPath && strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}

// serve sends events until the client leaves, the source fails or the console ends. The client then
// connects again, and goes on behind the last event it has.
//
// The format is that of server-sent events (https://html.spec.whatwg.org/#server-sent-events). The
// first event is `ready` and tells the position. Another `reset` stands in place of events that are
// lost.
func (s *streams) serve(w http.ResponseWriter, r *http.Request) {
	defer openStreams.Add(-1)
	if openStreams.Add(1) > maxStreams {
		w.Header().Set("Retry-After", retryAfter)
		WriteError(w, http.StatusServiceUnavailable, adminapi.Error{Message: "too many pages follow events: close some"})
		return
	}
	after, err := cursorOf(r)
	if err != nil {
		WriteError(w, http.StatusBadRequest, adminapi.Error{Message: err.Error()})
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.until, cancel)()
	events, err := s.open(ctx, after)
	if err != nil {
		status := http.StatusServiceUnavailable
		if e, ok := errors.AsType[*StatusError](err); ok {
			status = e.Status
		}
		WriteError(w, status, adminapi.Error{Message: err.Error()})
		return
	}
	defer events.Close()

	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would collect events
	out := &eventWriter{w: w, control: http.NewResponseController(w)}
	out.buffer.WriteString("retry: " + reconnect + "\n")
	out.named("ready", events.Position())
	for sent := out.flush(); sent; {
		page, err := s.next(ctx, events)
		if err != nil || ctx.Err() != nil {
			return
		}
		out.page(page)
		sent = out.flush() && pause(ctx, page)
	}
}

// next reads a page, which is empty when it is time for a heartbeat.
func (s *streams) next(ctx context.Context, events Events) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	return events.Next(ctx)
}

// pause waits a moment after a page that says something. It returns false when ctx ends meanwhile.
func pause(ctx context.Context, page Page) bool {
	if len(page.Events) == 0 && !page.Reset {
		return true
	}
	timer := time.NewTimer(breath)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// cursorOf returns the position from which a client wants events; "" = from now on. A browser that
// connects again by itself repeats the first URL and adds the header.
func cursorOf(r *http.Request) (string, error) {
	q := r.URL.Query()
	for name := range q {
		if name != "after" {
			return "", errors.New("unknown parameter " + name + ": a stream takes only after")
		}
	}
	cursor := q.Get("after")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		cursor = last
	}
	if len(cursor) > maxCursor || strings.ContainsFunc(cursor, notInCursor) {
		return "", errors.New("the cursor is none that a stream has given")
	}
	return cursor, nil
}

// notInCursor reports whether no cursor contains a character. A line break in one would begin a
// line of the stream.
func notInCursor(c rune) bool { return c <= ' ' || c > '~' }

// eventWriter writes a stream.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buffer  bytes.Buffer
}

// named adds an event without data of its own. Browsers drop events without any.
func (o *eventWriter) named(name, id string) {
	o.buffer.WriteString("event: " + name + "\nid: " + id + "\ndata: {}\n\n")
}

func (o *eventWriter) page(p Page) {
	switch {
	case p.Reset:
		o.named("reset", p.Next)
	case len(p.Events) == 0:
		o.buffer.WriteString(": still here\n\n")
	}
	for _, e := range p.Events {
		if e.ID != "" {
			o.buffer.WriteString("id: " + e.ID + "\n")
		}
		o.buffer.WriteString("data: ")
		o.buffer.Write(e.JSON)
		o.buffer.WriteString("\n\n")
	}
}

// flush sends what was added. It returns false when the client does not take it.
func (o *eventWriter) flush() bool {
	// Servers may have a timeout for whole responses, which a stream has no end for.
	_ = o.control.SetWriteDeadline(time.Now().Add(writeWait))
	_, err := o.w.Write(o.buffer.Bytes())
	if o.buffer.Reset(); o.buffer.Cap() > maxBuffer {
		o.buffer = bytes.Buffer{}
	}
	return err == nil && o.control.Flush() == nil
}
