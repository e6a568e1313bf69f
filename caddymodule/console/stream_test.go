package console

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// source is a source of events for tests: pages that come through a channel.
type source struct {
	after  string
	pages  chan Page
	closed bool
}

func (s *source) Position() string { return "p0" }
func (s *source) Close()           { s.closed = true }
func (s *source) Next(ctx context.Context) (Page, error) {
	select {
	case p, ok := <-s.pages:
		if !ok {
			return Page{}, errors.New("the source has failed")
		}
		return p, nil
	case <-ctx.Done():
		return Page{}, nil
	}
}

// flushes is a recorder that hands on what is flushed.
type flushes struct {
	*httptest.ResponseRecorder
	sent chan string
}

// FlushError implements what http.ResponseController looks for.
func (f *flushes) FlushError() error {
	text := f.Body.String()
	f.Body.Reset()
	f.sent <- text
	return nil
}

func (f *flushes) SetWriteDeadline(time.Time) error { return nil }

// stream opens a stream. It ends with ctx.
func stream(ctx context.Context, until context.Context, s *source, url, last string) (w *flushes, done chan struct{}) {
	c := New(Options{Until: until, Events: func(_ context.Context, after string) (Events, error) {
		s.after = after
		return s, nil
	}})
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	r.Header.Set("Accept", "text/event-stream")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	w, done = &flushes{httptest.NewRecorder(), make(chan string, 1)}, make(chan struct{})
	go func() {
		defer close(done)
		c.Serve(w, r, "alice")
	}()
	return w, done
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &source{pages: make(chan Page)}
		w, done := stream(ctx, t.Context(), s, "/flowtrux/events?after=c1", "")
		want := func(text string) {
			t.Helper()
			if got := <-w.sent; got != text {
				t.Errorf("sent %q, want %q", got, text)
			}
		}
		want("retry: 500\nevent: ready\nid: p0\ndata: {}\n\n")
		if s.after != "c1" || w.Header().Get("Content-Type") != "text/event-stream" {
			t.Errorf("after %q, %v", s.after, w.Header())
		}
		began := time.Now()
		s.pages <- Page{Events: []Event{{"", []byte(`{"a":1}`)}, {"p2", []byte(`{"b":2}`)}}, Next: "p2"}
		want("data: {\"a\":1}\n\nid: p2\ndata: {\"b\":2}\n\n")
		s.pages <- Page{Reset: true, Next: "p9"}
		if since := time.Since(began); since != breath {
			t.Errorf("the next page was read after %s", since)
		}
		want("event: reset\nid: p9\ndata: {}\n\n")
		began = time.Now()
		want(": still here\n\n")
		if since := time.Since(began); since != breath+heartbeat {
			t.Errorf("a heartbeat after %s", since)
		}
		cancel()
		<-done
		if !s.closed {
			t.Error("the source is not closed")
		}
	})
}

func TestStreamsEnd(t *testing.T) {
	for name, end := range map[string]func(client, console context.CancelFunc, s *source){
		"the client leaves": func(client, _ context.CancelFunc, _ *source) { client() },
		"the console ends":  func(_, console context.CancelFunc, _ *source) { console() },
		"the source fails":  func(_, _ context.CancelFunc, s *source) { close(s.pages) },
		"during its breath": func(_, console context.CancelFunc, s *source) {
			s.pages <- Page{Events: []Event{{"1", nil}}}
			console()
		},
		"before the request": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, client := context.WithCancel(t.Context())
				defer client()
				until, console := context.WithCancel(t.Context())
				defer console()
				if end == nil {
					console()
				}
				s := &source{pages: make(chan Page)}
				w, done := stream(ctx, until, s, "/flowtrux/events", "c7")
				<-w.sent
				if s.after != "c7" {
					t.Errorf("after %q", s.after)
				}
				began := time.Now()
				if end != nil {
					end(client, console, s)
				}
				go func() { // what it still sends
					for range w.sent {
					}
				}()
				<-done
				close(w.sent)
				if !s.closed || time.Since(began) != 0 {
					t.Errorf("closed %t after %s", s.closed, time.Since(began))
				}
			})
		})
	}
}

func TestStreamRejects(t *testing.T) {
	open := func(context.Context, string) (Events, error) {
		return nil, &StatusError{http.StatusBadGateway, errors.New("it is away")}
	}
	for _, test := range []struct {
		url     string
		open    func(context.Context, string) (Events, error)
		full    bool
		status  int
		message string
	}{
		{"/flowtrux/events?after=c1%0Adata:%20x", open, false, 400, "the cursor is none"},
		{"/flowtrux/events?after=" + strings.Repeat("c", maxCursor+1), open, false, 400, "the cursor is none"},
		{"/flowtrux/events?wait=5s", open, false, 400, "unknown parameter wait"},
		{"/flowtrux/events", open, false, 502, "it is away"},
		{"/flowtrux/events", func(context.Context, string) (Events, error) { return nil, errors.New("closed") }, false, 503, "closed"},
		{"/flowtrux/events", open, true, 503, "too many pages"},
	} {
		c := New(Options{Until: t.Context(), Events: test.open})
		if test.full {
			openStreams.Store(maxStreams)
		}
		w := serve(c, http.MethodGet, test.url, "", "Accept", "text/event-stream")
		if w.Code != test.status || !strings.HasPrefix(message(w).Message, test.message) {
			t.Errorf("%.40s: %d %s", test.url, w.Code, w.Body)
		}
		if test.full != (openStreams.Load() == maxStreams) || test.full != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%.40s: %d streams are counted, and %v is sent", test.url, openStreams.Load(), w.Header())
		}
		openStreams.Store(0)
	}
	// what does not accept a stream gets a page
	c, _ := newConsole(Options{})
	if w := serve(c, http.MethodGet, "/flowtrux/events", ""); w.Code != 202 {
		t.Errorf("a page: %d", w.Code)
	}
}

// TestStreamOverHTTP checks that events arrive while the response goes on, also when the server has
// a timeout for responses.
func TestStreamOverHTTP(t *testing.T) {
	s := &source{pages: make(chan Page)}
	c := New(Options{Until: t.Context(), Events: func(context.Context, string) (Events, error) { return s, nil }})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.Serve(w, r, "") }))
	server.Config.WriteTimeout = 10 * time.Millisecond
	server.Start()
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/flowtrux/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for n := range 3 {
		if n > 0 {
			s.pages <- Page{Events: []Event{{ID: fmt.Sprint(n), JSON: []byte(`{}`)}}}
		}
		for lines.Scan() && lines.Text() != "" {
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// pipes is a listener for connections within this process.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (pipes) Close() error   { return nil }
func (pipes) Addr() net.Addr { return new(net.UnixAddr) }

// TestStreamOfAClientThatDoesNotRead checks that its stream ends, and with it what it holds.
func TestStreamOfAClientThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{pages: make(chan Page)}
		c := New(Options{Until: t.Context(), Events: func(context.Context, string) (Events, error) { return s, nil }})
		ended := make(chan struct{})
		server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(ended)
			c.Serve(w, r, "")
		})}
		listener := make(pipes, 1)
		serving := make(chan error)
		go func() { serving <- server.Serve(listener) }()
		client, conn := net.Pipe()
		defer client.Close()
		listener <- conn
		if _, err := io.WriteString(client, "GET /flowtrux/events HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(client)
		for lines.Scan() && lines.Text() != "data: {}" {
		}
		began := time.Now()
		s.pages <- Page{Events: []Event{{"1", bytes.Repeat([]byte("x"), 1<<20)}}, Next: "1"}
		<-ended
		if since := time.Since(began); since != writeWait || !s.closed || openStreams.Load() != 0 {
			t.Errorf("the stream ended after %s, closed %t, %d are counted", since, s.closed, openStreams.Load())
		}
		close(listener)
		<-serving
		server.Close()
	})
}
