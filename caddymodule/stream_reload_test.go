package caddymodule

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// follower is a page that follows events: it connects again whenever its stream ends, and goes on
// behind the last event it has.
type follower struct {
	t        *testing.T
	url      string
	client   *http.Client
	compress bool
	ready    chan struct{} // closed when the first stream has begun

	last    string   // the id of the last event
	ids     []string // of all events
	events  []string
	streams int // that have begun
}

// follow follows events until one contains the text until, or ctx ends.
func (f *follower) follow(ctx context.Context, until string) {
	for ctx.Err() == nil {
		if done, err := f.stream(ctx, until); done {
			return
		} else if err != nil && f.streams == 0 {
			f.t.Errorf("the first stream: %v", err)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	f.t.Errorf("a page has not got the last event: %v", ctx.Err())
}

// stream reads one stream to its end.
func (f *follower) stream(ctx context.Context, until string) (done bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, http.NoBody)
	if err != nil {
		return false, err
	}
	req.Header.Set("Accept", "text/event-stream")
	if f.last != "" {
		req.Header.Set("Last-Event-ID", f.last)
	}
	if f.compress {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return false, err // connections are refused for a moment in a reload
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || f.compress != (resp.Header.Get("Content-Encoding") == "gzip") {
		return false, fmt.Errorf("%s, %v", resp.Status, resp.Header)
	}
	var body io.Reader = resp.Body
	if f.compress {
		if body, err = gzip.NewReader(body); err != nil {
			return false, err
		}
	}
	var name, id, data string
	for lines := bufio.NewScanner(body); lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			name = value
		case "id":
			id = value
		case "data":
			data = value
		case "":
			switch {
			case name == "ready":
				if f.streams++; f.streams == 1 {
					close(f.ready)
				}
			case name != "":
				f.t.Errorf("event %s %s", name, id)
			case data != "":
				f.ids, f.events = append(f.ids, id), append(f.events, data)
			}
			if f.last = id; data != "" && strings.Contains(data, until) {
				return true, nil
			}
			name, data = "", ""
		}
	}
	return false, nil
}

// TestReloadWithStreams reloads Caddy while 50 pages follow events and webhooks run: it does not
// wait for the pages, and they go on without an event lost or shown twice.
func TestReloadWithStreams(t *testing.T) {
	const pages, reloads = 50, 4
	around := withConsole
	around.grace = "1m" // what a reload would take if a stream did not end
	r := runWith(t, `{}`, around)
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var following sync.WaitGroup
	all := make([]*follower, pages)
	for i := range all {
		f := &follower{
			t: t, client: &http.Client{Transport: transport}, compress: i%2 == 1, ready: make(chan struct{}),
			url: "http://" + r.address + "/console" + adminapi.Base + "events",
		}
		all[i] = f
		following.Go(func() { f.follow(ctx, `"workflow":{"id":"last"`) })
	}
	for _, f := range all {
		select {
		case <-f.ready:
		case <-ctx.Done():
			t.Fatal("not all streams have begun")
		}
	}

	sending, stop := context.WithCancel(ctx)
	var senders sync.WaitGroup
	sent := 0
	senders.Go(func() {
		for ; sending.Err() == nil; sent++ {
			r.echo(fmt.Sprintf(`[%d]`, sent))
			time.Sleep(50 * time.Millisecond) // few enough to be published in detail
		}
	})
	for n := range reloads {
		time.Sleep(300 * time.Millisecond)
		began := time.Now()
		if err := r.load(fmt.Sprintf(`{"limits":{"executions":%d}}`, 100+n)); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		t.Logf("reload %d took %s", n, took)
		if took > 20*time.Second {
			t.Errorf("reload %d has waited for streams", n)
		}
	}
	time.Sleep(300 * time.Millisecond)
	stop()
	senders.Wait()
	time.Sleep(time.Second) // executions end in the feed once they are recorded, a moment later
	s := site{t: t, app: r.app()}
	s.putWorkflow("last", trigger(`{"responseMode":"lastNode"}`))
	following.Wait()

	states := make(map[string]int)
	for _, e := range all[0].events {
		text := shortEvent(t, []byte(e))
		_, state, _ := strings.Cut(text, " ")
		states[state]++
	}
	if states["running"] != sent || states["succeeded"] != sent || sent < 10 {
		t.Errorf("%d webhooks were sent, and the events are %v", sent, states)
	}
	for i, f := range all {
		if f.streams < 2 {
			t.Errorf("page %d has seen %d streams", i, f.streams)
		}
		if !slices.Equal(f.ids, all[0].ids) || !slices.Equal(f.events, all[0].events) {
			t.Errorf("page %d has %d events, the first %d", i, len(f.ids), len(all[0].ids))
		}
		if distinct := slices.Compact(slices.Sorted(slices.Values(f.ids))); len(distinct) != len(f.ids) {
			t.Errorf("page %d has got events twice", i)
		}
	}
}
