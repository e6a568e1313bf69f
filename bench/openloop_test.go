package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/flowtrux/edge/bench/workflow"
	"github.com/flowtrux/edge/internal/testports"
)

func TestOpenLoadIsBounded(t *testing.T) {
	for _, c := range []struct {
		rate float64
		time time.Duration
		want int
	}{
		{100, 2 * time.Second, 200},
		{0.5, 3 * time.Second, 1},
		{1e9, time.Hour, maxOpenRequests},
	} {
		if got := (openLoad{rate: c.rate, time: c.time}).count(); got != c.want {
			t.Errorf("%v for %v: %d, want %d", c.rate, c.time, got, c.want)
		}
	}
	l := openLoad{rate: 200}
	if l.due(0) != 0 || l.due(1) != 5*time.Millisecond || l.due(200) != time.Second {
		t.Errorf("due %v %v %v", l.due(0), l.due(1), l.due(200))
	}
}

func TestOpenLoadSendsEachRequestOnce(t *testing.T) {
	var served atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != string(kilobyte) || r.Header.Get("X-Webhook-Signature") != signature(kilobyte) || r.URL.Path != threePath {
			t.Errorf("%s %s %v: %v", r.Method, r.URL, r.Header, err)
		}
		served.Add(1)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, workflow.Response)
	}))
	defer s.Close()
	l := openLoad{address: addressOf(s), request: threeRequest, rate: 1000, time: 300 * time.Millisecond}
	sent, err := l.run(t.Context())
	if err != nil || len(sent.took) != 300 || len(sent.late) != 300 || served.Load() != 300 {
		t.Fatalf("%d latencies, %d requests, %v", len(sent.took), served.Load(), err)
	}
	for i, d := range sent.took {
		if d <= 0 {
			t.Errorf("request %d took %v", i, d)
		}
	}
	if !slices.IsSorted(sent.late) || sent.late[0] < 0 || !slices.IsSorted(sent.sorted()) {
		t.Errorf("late by %v", sent.late)
	}
}

// A request that waits for a stalled server is late by the time since it was due, which only an
// open loop shows.
func TestLatenciesCountFromWhenRequestsAreDue(t *testing.T) {
	const stall = 200 * time.Millisecond
	gate := make(chan struct{})
	time.AfterFunc(stall, func() { close(gate) })
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-gate
		w.WriteHeader(http.StatusCreated)
	}))
	defer s.Close()
	// More requests than connections, all due in the first tenth of a second.
	r := threeRequest
	r.response = ""
	l := openLoad{address: addressOf(s), request: r, rate: 3 * openConnections * 10, time: 100 * time.Millisecond}
	sent, err := l.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range sent.took {
		// The gate opens a little less than stall after the first request is due.
		if least := stall - l.due(i) - 50*time.Millisecond; d < least {
			t.Errorf("request %d, due after %v, took %v, less than %v", i, l.due(i), d, least)
		}
	}
	// The wait for a connection is not the sender's.
	if late := quantile(sent.late, 0.5); late > stall/2 {
		t.Errorf("half of the requests were sent late by more than %v", late)
	}
}

func TestOpenLoadEndsWithTheFirstWrongResponse(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		want   string
	}{
		"status": {http.StatusServiceUnavailable, "HTTP 503, not the expected response: busy"},
		"body":   {http.StatusCreated, "HTTP 201, not the expected response: busy"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, "busy")
			}))
			defer s.Close()
			l := openLoad{address: addressOf(s), request: threeRequest, rate: 10, time: time.Minute}
			if _, err := l.run(t.Context()); err == nil || err.Error() != c.want {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestOpenLoadEndsWithItsContext(t *testing.T) {
	asked := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Only a server that has read the body notices that the connection is closed.
		_, _ = io.Copy(io.Discard, r.Body)
		close(asked)
		<-r.Context().Done() // never responds
	}))
	defer s.Close()
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		<-asked
		stop()
	}()
	l := openLoad{address: addressOf(s), request: threeRequest, rate: 1, time: 2 * time.Second}
	if _, err := l.run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestOpenLoadNeedsAServer(t *testing.T) {
	address, err := testports.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (openLoad{address: address, request: threeRequest, rate: 10, time: time.Second}).run(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v", err)
	}
}

func addressOf(s *httptest.Server) netip.AddrPort {
	return s.Listener.Addr().(*net.TCPAddr).AddrPort()
}
