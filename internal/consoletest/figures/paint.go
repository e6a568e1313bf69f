package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/flowtrux/edge/internal/consoletest"
)

const (
	manyWorkflows = 1_000
	manyRecords   = 100_000

	maxPaint = 300 * time.Millisecond
	maxData  = 500 * time.Millisecond

	rounds = 7
)

// watch notes when a selector first finds something that is painted, from the start of the
// navigation.
const watch = `
	new MutationObserver((_, observer) => {
		if (!document.querySelector(%q)) return;
		observer.disconnect();
		requestAnimationFrame(() => setTimeout(() => { window.dataAt = performance.now(); }));
	}).observe(document, {childList: true, subtree: true});`

// paint opens the lists of a server with many workflows and records, with an empty cache.
func paint(b *bench) {
	seed := b.TempDir()
	if err := consoletest.SeedWorkflows(seed, manyWorkflows); err != nil {
		b.Fatalf("%v", err)
	}
	s := consoletest.Create(b, b.caddy, consoletest.Options{Store: "seed " + seed, Journal: "retention 168h"})
	if err := consoletest.SeedRecords(b.Context(), filepath.Join(s.Dir, "journal.db"), consoletest.SeededIDs(manyWorkflows), manyRecords); err != nil {
		b.Fatalf("%v", err)
	}
	if err := s.Start(b.Context()); err != nil {
		b.Fatalf("%v", err)
	}
	if err := s.WaitPrepared(b.Context()); err != nil {
		b.Fatalf("%v", err)
	}
	for _, screen := range []struct{ name, route, row string }{
		{"workflows", "#/", `a[href^="#/workflows/seeded-"]`},
		{"executions", "#/executions", `a[href^="#/executions/exec-"]`},
	} {
		p := b.open(s)
		p.BeforeEach(fmt.Sprintf(watch, screen.row))
		var painted, loaded []time.Duration
		for range rounds {
			p.Fresh(s.Console() + screen.route)
			p.Holds("window.dataAt > 0")
			var at struct{ Paint, Data float64 }
			p.Eval(`({Paint: performance.getEntriesByName("first-contentful-paint")[0].startTime, Data: dataAt})`, &at)
			painted, loaded = append(painted, milliseconds(at.Paint)), append(loaded, milliseconds(at.Data))
		}
		p.Check()
		b.out(atMost("first paint, "+screen.name, maxPaint, least(painted)))
		b.out(atMost("first data, "+screen.name, maxData, least(loaded)))
	}
}
