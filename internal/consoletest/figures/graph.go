package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/chromedp/cdproto/input"

	"github.com/flowtrux/edge/internal/consoletest"
	"github.com/flowtrux/edge/internal/crash"
)

const (
	manyNodes = 256
	maxDrawn  = 100 * time.Millisecond
	maxFrame  = 16 * time.Millisecond
	maxOpened = 300 * time.Millisecond

	// slowFrame allows for a machine whose browser draws an empty page slower than at 60 Hz.
	slowFrame = 1.1

	valueBytes = 1 << 20 // of all outputs in a record
)

// drawn resolves with the time from the response of a document, or from a click, to the frame in
// which so many nodes of the graph are drawn.
const drawn = `new Promise((done) => {
	const began = performance.now();
	const ended = () => performance.getEntriesByType("resource").filter((r) => r.startTime >= began && r.name.includes(%[1]q)).at(-1)?.responseEnd;
	const look = () => {
		if (document.querySelectorAll("g[data-node]").length < %[2]d || ended() === undefined) return requestAnimationFrame(look);
		const channel = new MessageChannel(); // behind the frame in which they are painted
		channel.port1.onmessage = () => done({FromResponse: performance.now() - ended(), FromClick: performance.now() - began});
		requestAnimationFrame(() => channel.port2.postMessage(0));
	};
	location.hash = %[3]q;
	look();
})`

type drawnAt struct{ FromResponse, FromClick float64 }

// large starts a server with a workflow of many nodes, and a small one whose screens load the code.
func (b *bench) large() (*consoletest.Server, *consoletest.Page) {
	s := consoletest.Start(b, b.caddy, consoletest.Options{})
	b.echo(s)
	if err := s.Put(b.Context(), "large", consoletest.Large(manyNodes)); err != nil {
		b.Fatalf("%v", err)
	}
	if err := s.WaitPrepared(b.Context()); err != nil {
		b.Fatalf("%v", err)
	}
	p := b.open(s)
	p.Expect(404)
	return s, p
}

// graph opens a workflow of many nodes, and moves its graph.
func graph(b *bench) {
	s, p := b.large()
	var took []time.Duration
	for range rounds {
		b.warm(p, s.Console()+"#/workflows/echo")
		var at drawnAt
		p.Eval(fmt.Sprintf(drawn, "flowtrux/workflows/large", manyNodes, "#/workflows/large"), &at)
		took = append(took, milliseconds(at.FromResponse))
	}
	b.out(atMost(fmt.Sprintf("graph of %d nodes: laid out and drawn", manyNodes), maxDrawn, least(took)))

	p.Rests()
	var space struct{ X, Y float64 } // where no node and no edge is
	p.Eval(`(() => {
		const r = document.querySelector(".graph-frame").getBoundingClientRect();
		for (let y = r.bottom - 200; y > r.top + 100; y -= 3) for (let x = r.left + 60; x < r.left + r.width * 0.6; x += 3) {
			const free = [[0, 0], [12, 0], [-12, 0], [0, 12], [0, -12]].every(([a, b]) => document.elementFromPoint(x + a, y + b)?.matches(".graph-frame, .graph-canvas"));
			if (free) return {X: x, Y: y};
		}
	})()`, &space)
	var before, after string
	const place = `JSON.stringify(document.querySelector("g[data-node]").getBoundingClientRect())`
	p.Eval(place, &before)
	frames := b.pan(p, space.X, space.Y)
	if p.Eval(place, &after); before == after {
		b.Fatalf("the graph does not move")
	}
	p.Check()
	p.Go("about:blank")
	idle := b.pan(p, space.X, space.Y)
	bound := max(maxFrame, time.Duration(float64(idle)*slowFrame))
	b.out(figure{
		"… time of a frame while it moves", fmt.Sprintf("≤ %s, or as an empty page", maxFrame),
		fmt.Sprintf("%s (empty page: %s)", frames.Round(10*time.Microsecond), idle.Round(10*time.Microsecond)), frames <= bound,
	})
}

// warm loads the page again, and shows a small one of what is measured then: the code is there, and
// the data is not.
func (b *bench) warm(p *consoletest.Page, address string) {
	p.Go("about:blank")
	p.Go(address)
	p.Sees(consoletest.CSS(`g[data-node="echo"]`))
	p.Rests()
}

// pan drags the page for two seconds, and returns the median time between two frames.
func (b *bench) pan(p *consoletest.Page, x, y float64) time.Duration {
	p.Eval(`window.frames_ = []; (() => {
		let last = performance.now();
		const next = (now) => { window.frames_.push(now - last); last = now; window.panning && requestAnimationFrame(next); };
		window.panning = true;
		requestAnimationFrame(next);
	})()`, nil)
	p.Mouse(input.DispatchMouseEventTypeMouseMoved, x, y, false)
	p.Mouse(input.DispatchMouseEventTypeMousePressed, x, y, true)
	end := time.Now().Add(2 * time.Second)
	for i := 0; time.Now().Before(end); i++ {
		p.Mouse(input.DispatchMouseEventTypeMouseMoved, x+float64(i%100), y-float64(i%40), true)
		time.Sleep(4 * time.Millisecond) // a mouse tells 125 to 250 times a second where it is
	}
	p.Mouse(input.DispatchMouseEventTypeMouseReleased, x, y, false)
	var frames []float64
	p.Eval(`(window.panning = false, window.frames_.slice(1))`, &frames)
	if len(frames) < 10 {
		b.Fatalf("only %d frames were drawn", len(frames))
	}
	return milliseconds(median(frames))
}

// execution opens an execution of many nodes whose record has many bytes.
func execution(b *bench) {
	s, p := b.large()
	body, err := json.Marshal(map[string]string{"pad": strings.Repeat("x", valueBytes/manyNodes/2)})
	if err != nil {
		b.Fatalf("%v", err)
	}
	a, err := s.Send(b.Context(), crash.Request{Workflow: "large", Body: string(body)})
	if err != nil || a.Status != http.StatusOK {
		b.Fatalf("%d %s %v", a.Status, a.Body, err)
	}
	id := a.Header.Get("X-Execution-Id")
	var record json.RawMessage
	p.Until("the execution is recorded", func() bool {
		return s.AdminRequest(b.Context(), http.MethodGet, "executions/"+id, nil, &record) == nil
	})
	small, err := s.Send(b.Context(), crash.Request{Workflow: "echo", Body: `{}`})
	if err != nil {
		b.Fatalf("%v", err)
	}
	p.Until("the other one, too", func() bool {
		return s.AdminRequest(b.Context(), http.MethodGet, "executions/"+small.Header.Get("X-Execution-Id"), nil, nil) == nil
	})
	var took []time.Duration
	for range rounds {
		b.warm(p, s.Console()+"#/executions/"+small.Header.Get("X-Execution-Id"))
		var at drawnAt
		p.Eval(fmt.Sprintf(drawn, "flowtrux/executions/"+id, manyNodes, "#/executions/"+id), &at)
		took = append(took, milliseconds(at.FromClick))
	}
	p.Check()
	b.out(atMost(fmt.Sprintf("an execution of %d nodes, %.1f MiB, opens", manyNodes, float64(len(record))/(1<<20)), maxOpened, least(took)))
}
