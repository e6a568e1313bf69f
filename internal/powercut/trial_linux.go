package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/flowtrux/edge/internal/crash"
	"github.com/flowtrux/edge/runtime/journal"
)

const (
	senders  = 32
	patience = 5 * time.Minute  // the time limit of one step, which takes seconds
	stopWait = 30 * time.Second // for the inner process to clean up
)

// trial is a server on a disk.
type trial struct {
	options
	dir      string // the directory with the disk
	disk     *disk
	server   *crash.Server
	target   *crash.Target
	accepted []string
}

// workflow returns the event.
const workflow = `{"nodes":[
	{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"minimal"}}},
	{"id":"echo","type":"transform","config":{"output":{"got":"{{trigger.data}}"}}}],
	"edges":[{"source":"trigger","target":"echo"}]}`

func run(ctx context.Context, o options) (err error) {
	caddy, err := filepath.Abs(o.caddy)
	if err != nil {
		return err
	}
	if _, err := os.Stat(caddy); err != nil {
		return fmt.Errorf("%w: run make build, or name another binary with -caddy", err)
	}
	dir, err := os.MkdirTemp("", "flowtrux-powercut-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := &trial{options: o, dir: dir}
	if t.disk, err = newDisk(ctx, dir); err != nil {
		return err
	}
	if err := t.disk.mount(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.disk.unmount()) }()
	if t.target, err = crash.NewTarget(); err != nil {
		return err
	}
	defer t.target.Close()
	code := filepath.Join(dir, "code")
	if err := os.Mkdir(code, 0o700); err != nil {
		return err
	}
	if t.server, err = crash.New(crash.Config{
		Command: []string{caddy}, Dir: t.disk.dir, Code: code, Logs: dir, Options: fmt.Sprintf("egress {\n allow %s\n }", t.target.Address),
	}); err != nil {
		return err
	}
	defer t.server.Kill()
	if err := t.server.Start(ctx); err != nil {
		return err
	}
	if err := t.server.Put(ctx, "echo", workflow); err != nil {
		return err
	}
	for round := range o.rounds {
		if err := t.powerCut(ctx, round+1); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	if err := t.all(ctx); err != nil {
		return err
	}
	return t.full(ctx)
}

// powerCut loads the server, cuts the power, and starts it again.
func (t *trial) powerCut(ctx context.Context, round int) error {
	load := t.server.Load(ctx, senders, "echo")
	err := load.WaitAccepted(t.accept, patience)
	unsynced := filepath.Join(t.disk.dir, "unsynced")
	if err == nil {
		err = os.WriteFile(unsynced, []byte("this was not synced"), 0o600)
	}
	if err == nil {
		err = t.disk.cut()
	}
	t.server.Kill()
	accepted, _ := load.Stop()
	if err != nil {
		return err
	}
	t.accepted = append(t.accepted, accepted...)
	if err := errors.Join(t.disk.unmount(), t.disk.mount(ctx)); err != nil {
		return err
	}
	if b, err := os.ReadFile(unsynced); len(b) > 0 {
		return fmt.Errorf("a file that was not synced is there (%w): the cut proved nothing", err)
	}
	k, err := crash.DumpJournal(ctx, t.server.Journal, t.dir)
	if err != nil {
		return err
	}
	lost, counts := 0, make(map[string]int)
	for _, id := range t.accepted {
		counts[k.Status[id]]++
		if s := k.Status[id]; s != journal.Pending && s != journal.Succeeded {
			lost++
		}
	}
	fmt.Printf("power cut %d: %d executions acknowledged so far, %d of them lost; %d pending, %d succeeded\n",
		round, len(t.accepted), lost, counts[journal.Pending], counts[journal.Succeeded])
	if lost > 0 {
		return fmt.Errorf("%d acknowledged executions are lost", lost)
	}
	return t.server.Start(ctx)
}

// all waits until every execution has ended, and checks that all accepted ones succeeded.
func (t *trial) all(ctx context.Context) error {
	if err := t.server.WaitDrained(ctx, patience); err != nil {
		return err
	}
	ended, err := t.server.Executions(ctx)
	if err != nil {
		return err
	}
	missing := make(map[string]int)
	for _, id := range t.accepted {
		if s := ended[id].Status; s != journal.Succeeded {
			missing[s]++
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("of %d acknowledged executions not all have succeeded: %v", len(t.accepted), missing)
	}
	fmt.Printf("all %d acknowledged executions have succeeded\n", len(t.accepted))
	return nil
}

// sortedKeys returns keys for messages.
func sortedKeys(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }
