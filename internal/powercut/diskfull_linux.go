package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/flowtrux/edge/internal/crash"
)

// holding is a workflow with a node that waits for the target.
const holding = `{"nodes":[
	{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"minimal"}}},
	{"id":"call","type":"http-request","timeout":"2m","config":{"url":"%s/hold","timeout":"2m"}},
	{"id":"after","type":"transform","config":{"output":{"got":"{{steps.call.output}}"}}}],
	"edges":[{"source":"trigger","target":"call"},{"source":"call","target":"after"}]}`

// tries is how often the disk is filled at most until a write fails for lack of space. The journal
// checks the free space every second; if it has seen the full disk before, it rejects executions
// without a write.
const tries = 10

// full fills the disk while executions run, and makes room again.
func (t *trial) full(ctx context.Context) error {
	if err := t.server.Put(ctx, "hold", fmt.Sprintf(holding, t.target.URL)); err != nil {
		return err
	}
	a, err := t.server.Send(ctx, crash.Request{Workflow: "hold", Body: `{}`})
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("HTTP %d %s", a.Status, a.Body)
	}
	if err != nil {
		return fmt.Errorf("sending the execution that waits: %w", err)
	}
	t.accepted = append(t.accepted, a.Header.Get("X-Execution-Id"))
	if err := t.target.WaitHolding(ctx.Done()); err != nil {
		return err
	}
	enospc := false
	for try := 0; try < tries && !enospc; try++ {
		if err := t.fillOnce(ctx); err != nil {
			return err
		}
		enospc = strings.Contains(t.server.Log(), "no space left on device")
	}
	if !enospc {
		return errors.New("no write has failed for lack of space: the journal did not see a full disk")
	}
	t.target.ReleaseAll()
	return t.all(ctx)
}

// fillOnce fills the disk under load, and makes room when webhooks are rejected. After that they
// must be accepted again.
func (t *trial) fillOnce(ctx context.Context) error {
	load := t.server.Load(ctx, senders, "echo")
	err := load.WaitAccepted(100, patience)
	if err == nil {
		err = t.filled(load)
	}
	accepted, rejected := load.Stop()
	t.accepted = append(t.accepted, accepted...)
	if err != nil {
		return err
	}
	again := t.server.Load(ctx, 1, "echo")
	err = again.WaitAccepted(1, patience)
	accepted, _ = again.Stop()
	t.accepted = append(t.accepted, accepted...)
	fmt.Printf("disk full: rejected with %s; accepts again: %t\n", strings.Join(sortedKeys(rejected), "; "), err == nil)
	for what := range rejected {
		if !strings.HasPrefix(what, "HTTP 503, Retry-After: ") || strings.HasSuffix(what, ": ") {
			return fmt.Errorf("webhooks were rejected, but not with 503 and Retry-After: %s", what)
		}
	}
	return err
}

func (t *trial) filled(load *crash.Senders) error {
	empty, err := t.disk.fill()
	if err != nil {
		return err
	}
	return errors.Join(load.WaitRejected(patience), empty())
}
