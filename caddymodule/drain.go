package caddymodule

import (
	"context"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// stopping handles the end of the config. Streams of events end, because Caddy's servers wait for
// requests, by default without limit. When the process exits, requests that wait for an execution
// have to be answered before Caddy gives up on them.
func (a *App) stopping() {
	a.stopStreams()
	if caddy.Exiting() {
		a.beginDrain()
	}
}

// beginDrain begins the drain within Caddy's grace period, once.
func (a *App) beginDrain() {
	if a.drainBy.IsZero() {
		a.drainWithin(a.grace())
	}
}

// drainWithin sets the time by which accepted work has to end. Executions that senders wait for are
// cancelled a little before it, so that they get a response.
func (a *App) drainWithin(limit time.Duration) {
	a.drainBy = time.Now().Add(limit)
	timer := time.AfterFunc(limit-limit/10, func() { a.stopWaiting(errStopping) })
	a.life.onEnd(releasing(func() { timer.Stop() }))
}

// drain waits for the executions of the journal until the drain time is over. Executions that are
// cut off then are reported when the executor is released. Until then a journal that outlives the
// process goes on accepting: Caddy stops its apps in any order, so that its servers may still take
// requests for as long as they are given.
func (a *App) drain() {
	a.beginDrain()
	by := a.drainBy
	if a.flushSpans != nil { // the grace period has to last for the spans, too
		by = by.Add(-min(exportWait, time.Until(by)/10))
	}
	ctx, cancel := context.WithDeadline(context.Background(), by)
	defer cancel()
	a.executor.Drain(ctx)
	// Before the pool does, which has more time. A request that does not end keeps the config, and
	// does not keep the process.
	a.life.onEnd(releasing(a.closeExecutor))
	caddy.OnExit(func(context.Context) { a.closeExecutor() })
	if a.flushSpans != nil {
		a.flushSpans()
	}
}

// closeTime is how long the last records may take after the drain time is over.
const closeTime = time.Second

// closeExecutor closes the executor once it has drained, with what is left of the drain time.
func (a *App) closeExecutor() {
	ctx, cancel := context.WithTimeout(context.Background(), max(closeTime, time.Until(a.drainBy)))
	defer cancel()
	a.executor.Close(ctx)
}

// grace is Caddy's grace period, or drainTime when it has none.
func (a *App) grace() time.Duration {
	if v, err := a.ctx.AppIfConfigured("http"); err == nil {
		if app, ok := v.(*caddyhttp.App); ok && app.GracePeriod > 0 {
			return time.Duration(app.GracePeriod)
		}
	}
	return drainTime
}
