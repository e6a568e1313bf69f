package main

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
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
		_, _ = io.WriteString(w, "response")
	}))
	defer s.Close()
	l := openLoad{address: s.Listener.Addr().String(), request: threeRequest, rate: 1000, time: 300 * time.Millisecond}
	took, err := l.run(t.Context())
	if err != nil || len(took) != 300 || served.Load() != 300 {
		t.Fatalf("%d latencies, %d requests, %v", len(took), served.Load(), err)
	}
	for i, d := range took {
		if d <= 0 {
			t.Errorf("request %d took %v", i, d)
		}
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
	l := openLoad{address: s.Listener.Addr().String(), request: threeRequest, rate: 3 * openConnections * 10, time: 100 * time.Millisecond}
	took, err := l.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range took {
		// The gate opens a little less than stall after the first request is due.
		if least := stall - l.due(i) - 50*time.Millisecond; d < least {
			t.Errorf("request %d, due after %v, took %v, less than %v", i, l.due(i), d, least)
		}
	}
}

func TestOpenLoadEndsWithTheFirstWrongResponse(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}))
	defer s.Close()
	l := openLoad{address: s.Listener.Addr().String(), request: threeRequest, rate: 10, time: time.Minute}
	if _, err := l.run(t.Context()); err == nil || err.Error() != "HTTP 503, not 201: busy\n" {
		t.Errorf("%v", err)
	}
}

func TestReadHead(t *testing.T) {
	for head, want := range map[string][2]int{
		"HTTP/1.1 201 Created\r\nDate: x\r\nContent-Length: 57\r\n\r\n{":  {201, 57},
		"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n": {500, 0},
		"HTTP/1.1 204\r\nContent-Length: 0\r\n\r\n":                       {204, 0},
	} {
		status, length, err := readHead(bufio.NewReader(strings.NewReader(head)))
		if err != nil || status != want[0] || length != want[1] {
			t.Errorf("%q: %d %d, %v", head, status, length, err)
		}
	}
	for _, head := range []string{
		"HTTP/1.0 201 Created\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 x01 Created\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 20",
		"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n",
		"HTTP/1.1 201 Created\r\nContent-Length: -5\r\n\r\n",
		"HTTP/1.1 201 Created\r\nContent-Length: five\r\n\r\n",
		"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n",
		"",
	} {
		if status, length, err := readHead(bufio.NewReader(strings.NewReader(head))); !errors.Is(err, errHead) && !errors.Is(err, io.EOF) {
			t.Errorf("%q: %d %d, %v", head, status, length, err)
		}
	}
}
