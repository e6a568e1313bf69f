package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// console are the lines of a site with a console that everybody may use.
const console = "vars user bench\nflowtrux_console {\n\tauthenticated_by {http.vars.user}\n}"

// openStreams opens streams of events, as so many pages of a console hold them, and reads what they
// send until end is called. It returns once all have begun. end returns how many bytes were read.
func openStreams(ctx context.Context, site string, n int) (end func() int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	transport := new(http.Transport)
	client := http.Client{Transport: transport}
	var reading sync.WaitGroup
	var mu sync.Mutex
	var read int64
	end = func() int64 {
		cancel()
		reading.Wait()
		transport.CloseIdleConnections()
		return read
	}
	for range n {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+site+"/console/flowtrux/events", http.NoBody)
		if err != nil {
			end()
			return nil, err
		}
		r.Header.Set("Accept", "text/event-stream")
		resp, err := client.Do(r)
		if err != nil {
			end()
			return nil, err
		}
		body := bufio.NewReader(resp.Body)
		if _, err := body.ReadString('\n'); err != nil || resp.StatusCode != http.StatusOK {
			resp.Body.Close()
			end()
			return nil, fmt.Errorf("the stream of events does not begin: %s, %w", resp.Status, err)
		}
		reading.Go(func() {
			defer resp.Body.Close()
			got, _ := io.Copy(io.Discard, body) // ends with ctx
			mu.Lock()
			defer mu.Unlock()
			read += got
		})
	}
	return end, nil
}
