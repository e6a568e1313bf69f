package caddymodule

import (
	"context"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// endWhenExiting sees to it that requests that wait for an execution are answered before Caddy
// gives up on them: its servers wait for requests, by default without end.
func (a *App) endWhenExiting() error {
	v, err := a.ctx.App("events")
	if err != nil {
		return fmt.Errorf("loading the events app: %w", err)
	}
	return v.(*caddyevents.App).On("stopping", stopping{a})
}

// stopping hears of the end of a config; it acts when it is the end of the process.
type stopping struct{ app *App }

// Handle implements caddyevents.Handler.
func (s stopping) Handle(context.Context, caddy.Event) error {
	if caddy.Exiting() {
		s.app.beginDrain()
	}
	return nil
}

// beginDrain begins the drain within Caddy's grace period, once.
func (a *App) beginDrain() {
	if a.drainBy.IsZero() {
		a.drainWithin(a.grace())
	}
}

// drainWithin sets the time by which accepted work has to end. What senders wait for is cancelled a
// little before it, so that they get an answer.
func (a *App) drainWithin(limit time.Duration) {
	a.drainBy = time.Now().Add(limit)
	timer := time.AfterFunc(limit-limit/10, func() { a.stopWaiting(errStopping) })
	a.life.keep(func() error { timer.Stop(); return nil })
}

// drain waits for the executions of the journal until the drain time is over. What was cut off then
// is reported when the executor is released.
func (a *App) drain() {
	a.beginDrain()
	ctx, cancel := context.WithDeadline(context.Background(), a.drainBy)
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
