package main

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowtrux/edge/internal/consoletest"
	"github.com/flowtrux/edge/internal/crash"
)

const (
	consoles  = 50
	maxReload = time.Second

	// minRate is the part of webhooks that a server with open consoles serves of those that it
	// serves without.
	minRate = 0.97
)

// echo stores a workflow of one node.
func (b *bench) echo(s *consoletest.Server) {
	document := consoletest.Document("Echo", []string{consoletest.Transform("echo", `"{{trigger.data}}"`)}, []string{"trigger>echo"})
	if err := s.Put(b.Context(), "echo", document); err != nil {
		b.Fatalf("%v", err)
	}
}

// reload loads the config again while streams are open and executions end.
func reload(b *bench) {
	s := consoletest.Start(b, b.caddy, consoletest.Options{})
	b.echo(s)
	streams, err := s.OpenStreams(b.Context(), consoles, false)
	if err != nil {
		b.Fatalf("%v", err)
	}
	defer streams.Close()
	var ids []string
	send := func(n int) {
		for range n {
			a, err := s.Send(b.Context(), crash.Request{Workflow: "echo", Body: `{}`})
			if err != nil || a.Status != http.StatusOK {
				b.Fatalf("%d %s %v", a.Status, a.Body, err)
			}
			ids = append(ids, a.Header.Get("X-Execution-Id"))
		}
	}
	var took, back []time.Duration
	for round := range rounds {
		send(3)
		d, err := s.Reload(b.Context())
		if err != nil {
			b.Fatalf("%v", err)
		}
		send(3)
		again, err := streams.WaitConnected(b.Context(), round+2)
		if err != nil {
			b.Fatalf("%v", err)
		}
		took, back = append(took, d), append(back, d+again)
	}
	err = streams.WaitEnded(b.Context(), ids)
	b.out(atMost(fmt.Sprintf("reload with %d open streams", consoles), maxReload, least(took)))
	b.out(atMost("… until all streams are back", 2*maxReload, least(back)))
	b.out(figure{"… events lost or told twice", "none", fmt.Sprintf("%d executions, %v", len(ids), orNone(err)), err == nil})
}

func orNone(err error) string {
	if err == nil {
		return "none"
	}
	return err.Error()
}

const (
	senders = 8
	slice   = 2 * time.Second
	turns   = 8
)

// webhooks compares the webhooks that the server serves with many consoles open, and with none.
func webhooks(b *bench) {
	// The senders and the pages are in this process. Its small heap would be collected so often
	// that the stacks of the pages' goroutines cost more than their streams do.
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	s := consoletest.Start(b, b.caddy, consoletest.Options{})
	b.echo(s)
	b.rate(s) // warm up
	var with, without []float64
	for range turns {
		without = append(without, b.rate(s))
		streams, err := s.OpenStreams(b.Context(), consoles, true)
		if err != nil {
			b.Fatalf("%v", err)
		}
		with = append(with, b.rate(s))
		streams.Close()
	}
	ratios := make([]float64, len(with))
	for i := range with {
		ratios[i] = with[i] / without[i]
	}
	ratio := median(ratios)
	b.out(figure{
		fmt.Sprintf("webhooks/s with %d consoles open against none", consoles), fmt.Sprintf("≥ %.2f", minRate),
		fmt.Sprintf("%.3f (%.0f/s without)", ratio, median(without)), ratio >= minRate,
	})
}

// rate returns how many webhooks a second the server serves.
func (b *bench) rate(s *consoletest.Server) float64 {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	var served atomic.Int64
	var all sync.WaitGroup
	end := time.Now().Add(slice)
	for range senders {
		all.Go(func() {
			for time.Now().Before(end) {
				a, err := s.Send(b.Context(), crash.Request{Workflow: "echo", Body: `{"n":1}`, Client: client})
				if err == nil && a.Status == http.StatusOK {
					served.Add(1)
				}
			}
		})
	}
	all.Wait()
	if served.Load() == 0 {
		b.Fatalf("no webhook was served")
	}
	return float64(served.Load()) / slice.Seconds()
}
