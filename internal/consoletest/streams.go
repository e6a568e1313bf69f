package consoletest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Streams are open streams of events, as many tabs have them. Each connects again when it has
// ended, and goes on behind its last event, as the page does.
type Streams struct {
	address string
	stop    context.CancelFunc
	all     sync.WaitGroup
	clients []*stream
}

// stream is what one client has seen.
type stream struct {
	deaf   bool
	mu     sync.Mutex
	cursor string
	ready  int            // how often it was connected
	ended  map[string]int // ended executions, and how often each was seen
	resets int
	left   int // executions that were left out, as there were too many
	err    error
}

// OpenStreams opens n streams of the site's console, and returns when all are connected. Deaf ones
// do not look at the events: people's browsers, which do, are on other machines.
func (s *Server) OpenStreams(ctx context.Context, n int, deaf bool) (*Streams, error) {
	ctx, stop := context.WithCancel(ctx)
	x := &Streams{address: s.Console() + "flowtrux/events", stop: stop}
	for range n {
		c := &stream{ended: make(map[string]int), deaf: deaf}
		x.clients = append(x.clients, c)
		x.all.Go(func() {
			client := &http.Client{Transport: new(http.Transport)} // a connection of its own
			for ctx.Err() == nil {
				if err := c.follow(ctx, client, x.address); ctx.Err() == nil && err != nil {
					c.mu.Lock()
					c.err = err
					c.mu.Unlock()
				}
				select {
				case <-time.After(reconnect):
				case <-ctx.Done():
				}
			}
		})
	}
	err := x.Wait(ctx, "all are connected", func(c *stream) bool { return c.ready > 0 })
	if err != nil {
		x.Close()
	}
	return x, err
}

// reconnect is the pause before a stream connects again. The page's is longer.
const reconnect = 20 * time.Millisecond

// Close ends the streams.
func (x *Streams) Close() {
	x.stop()
	x.all.Wait()
}

// Wait waits until ok returns true for each stream.
func (x *Streams) Wait(ctx context.Context, what string, ok func(*stream) bool) error {
	deadline := time.Now().Add(patience)
	for {
		var behind *stream
		for _, c := range x.clients {
			c.mu.Lock()
			if !ok(c) {
				behind = c
			}
			c.mu.Unlock()
		}
		switch {
		case behind == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(deadline):
			behind.mu.Lock()
			defer behind.mu.Unlock()
			return fmt.Errorf("streams: it did not happen that %s: %d executions ended, %d resets, connected %d times, %w", what, len(behind.ended), behind.resets, behind.ready, behind.err)
		}
		time.Sleep(tick)
	}
}

// WaitConnected waits until each stream was connected so often, and returns how long it took.
func (x *Streams) WaitConnected(ctx context.Context, times int) (time.Duration, error) {
	began := time.Now()
	err := x.Wait(ctx, fmt.Sprintf("all are connected the %d. time", times), func(c *stream) bool { return c.ready >= times })
	return time.Since(began), err
}

// WaitEnded waits until each stream has told that these executions ended, and reports streams that
// told it twice, or told of others.
func (x *Streams) WaitEnded(ctx context.Context, ids []string) error {
	if err := x.Wait(ctx, fmt.Sprintf("all tell of %d executions", len(ids)), func(c *stream) bool { return len(c.ended) >= len(ids) }); err != nil {
		return err
	}
	for i, c := range x.clients {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, id := range ids {
			if n := c.ended[id]; n != 1 {
				return fmt.Errorf("stream %d told %d times that %s has ended", i, n, id)
			}
		}
		if len(c.ended) != len(ids) || c.resets > 0 || c.left > 0 {
			return fmt.Errorf("stream %d told of %d executions instead of %d, with %d resets, and has left out %d", i, len(c.ended), len(ids), c.resets, c.left)
		}
	}
	return nil
}

// follow reads a stream until it ends.
func (c *stream) follow(ctx context.Context, client *http.Client, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	req.SetBasicAuth(User, Password)
	req.Header.Set("Accept", "text/event-stream")
	c.mu.Lock()
	if c.cursor != "" {
		req.Header.Set("Last-Event-ID", c.cursor)
	}
	c.mu.Unlock()
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	if c.deaf {
		c.note("ready", "", "")
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	var name, id, data string
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			c.note(name, id, data)
			name, id, data = "", "", ""
		case field == "event":
			name = value
		case field == "id":
			id = value
		case field == "data":
			data += value
		}
	}
	return lines.Err()
}

func (c *stream) note(name, id, data string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id != "" {
		c.cursor = id
	}
	switch name {
	case "ready":
		c.ready++
	case "reset":
		c.resets++
	case "":
		var event struct {
			Kind       string
			Executions int
			Execution  json.RawMessage
		}
		if data == "" || json.Unmarshal([]byte(data), &event) != nil {
			return
		}
		switch event.Kind {
		case "more":
			c.left += event.Executions
		case "execution":
			var e struct{ ID, Status string }
			if json.Unmarshal(event.Execution, &e) == nil && e.Status != "pending" && e.Status != "running" {
				c.ended[e.ID]++
			}
		}
	}
}

// Reload loads the server's config again, even if it has not changed, and returns how long it took.
func (s *Server) Reload(ctx context.Context) (time.Duration, error) {
	config, err := os.ReadFile(filepath.Join(s.Dir, "Caddyfile"))
	if err != nil {
		return 0, err
	}
	// A reload replaces the admin endpoint, too. What connects to the one that ends is reset.
	const attempts = 10
	for n := 1; ; n++ {
		began := time.Now()
		err := s.load(ctx, config)
		if err == nil {
			return time.Since(began), nil
		}
		var refused *url.Error
		if n == attempts || ctx.Err() != nil || !errors.As(err, &refused) {
			return 0, err
		}
	}
}

// load sends a Caddyfile to the admin endpoint. Its errors are *url.Error where no answer came.
func (s *Server) load(ctx context.Context, config []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Admin()+"/load", bytes.NewReader(config))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/caddyfile")
	req.Header.Set("Cache-Control", "must-revalidate")
	req.Header.Set("Origin", "http://"+s.Admin())
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("reloading: status %d", resp.StatusCode)
	}
	return nil
}
