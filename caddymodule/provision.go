package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/egress"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/store"
)

// checkConfig resolves placeholders, fills in defaults and rejects what cannot work.
func (a *App) checkConfig() error {
	repl := caddy.NewReplacer()
	if a.StoreRaw == nil {
		a.StoreRaw = json.RawMessage(`{"` + engineKey + `":"` + defaultStore + `"}`)
	}
	if a.JournalRaw == nil {
		a.JournalRaw = json.RawMessage(`{"` + engineKey + `":"` + defaultJournal + `"}`)
	}
	if a.Limits == nil {
		a.Limits = new(Limits)
	}
	if err := a.Limits.check(); err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	if tight := a.Limits.tooTight(); tight != "" {
		a.logger.Warn("limits: " + tight)
	}
	for name, n := range a.Nodes {
		if err := n.check(name, repl); err != nil {
			return fmt.Errorf("node %s: %w", name, err)
		}
	}
	for i, f := range a.Families {
		if err := f.check(a.Limits, repl); err != nil {
			at := fmt.Sprintf("families[%d]", i)
			if f != nil && f.File != "" {
				at = "nodes " + f.File
			}
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	call := a.Limits.NodeMemory
	for _, n := range a.Nodes {
		call = max(call, n.Memory)
	}
	for _, f := range a.Families {
		call = max(call, f.Memory)
	}
	if err := a.Limits.checkSandbox(call); err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	if err := resolveAll(repl, a.GlobalsWrite); err != nil {
		return fmt.Errorf("globals_write: %w", err)
	}
	if err := checkPatterns(a.GlobalsWrite); err != nil {
		return err
	}
	if a.Egress == nil {
		a.Egress = new(Egress)
	}
	if err := resolveAll(repl, a.Egress.Allow); err != nil {
		return fmt.Errorf("egress: %w", err)
	}
	return nil
}

// listen finds the events app and subscribes to the config's own start and end.
func (a *App) listen() error {
	e, err := newEvents(a.ctx, a.logger)
	if err != nil {
		return err
	}
	a.events = e
	a.life.onEnd(releasing(e.close))
	return errors.Join(e.on("started", e.start), e.on("started", a.describeMachine), e.on("stopping", a.stopping))
}

func (a *App) acquireMeters() error {
	m, release, err := acquire("metrics", "", func() (*meters, error) { return newMeters(), nil })
	if err != nil {
		return err
	}
	a.life.onEnd(release)
	a.meters = m
	return nil
}

func (a *App) acquireInstallation() error {
	s, release, err := acquireInstallation(filepath.Join(dataDir(), "seed"))
	if err != nil {
		return err
	}
	a.life.onEnd(release)
	a.installation = s
	return nil
}

func (a *App) acquireMirror() error {
	module, err := a.ctx.LoadModule(a, "StoreRaw")
	if err != nil {
		return fmt.Errorf("loading the store: %w", err)
	}
	m, ok := module.(store.Module)
	if !ok {
		return fmt.Errorf("loading the store: %T is not a store", module)
	}
	mirror, release, err := acquireMirror(m)
	if err != nil {
		return err
	}
	a.life.onEnd(release)
	a.mirror = mirror.Mirror
	a.sources = m.StoreKey()
	return nil
}

// loadJournal returns the module of the journal.
func (a *App) loadJournal() (journal.Module, error) {
	module, err := a.ctx.LoadModule(a, "JournalRaw")
	if err != nil {
		return nil, fmt.Errorf("loading the journal: %w", err)
	}
	m, ok := module.(journal.Module)
	if !ok {
		return nil, fmt.Errorf("loading the journal: %T is not a journal", module)
	}
	return m, nil
}

func (a *App) acquireExecutor() error {
	m, err := a.loadJournal()
	if err != nil {
		return err
	}
	if shared, ok := m.(journal.SharedModule); ok {
		if err := a.prepareShared(shared); err != nil {
			return err
		}
	}
	// If this is the last config, its executor drains before its runner is removed.
	a.life.onEnd(func() error {
		if a.stopRunner != nil {
			a.stopRunner()
		}
		return nil
	})
	executor, release, err := acquireExecutor(m, a.meters.journal, a.live.feed)
	if err != nil {
		return err
	}
	a.life.onEnd(release)
	a.executor = executor.Executor
	a.journal = executor.Journal().(meteredJournal).Journal // as its module made it
	a.counting = journal.CountingOf(a.journal)
	a.sharing = journal.SharingOf(a.journal)
	a.journalConf = m
	a.sources += "\x00" + m.JournalKey()
	return nil
}

func (a *App) makeEngine() error {
	client, err := egress.New(egress.Rules{Allow: a.Egress.Allow, Refuse: adminAddresses(a.ctx)})
	if err != nil {
		return fmt.Errorf("egress: %w", err)
	}
	a.life.onEnd(releasing(client.Close))
	a.engine = engine.New(engine.Config{
		Limits:   a.Limits.engine(),
		HTTP:     client,
		Globals:  globals{app: a},
		Observer: observer{app: a},
		Tracer:   a.tracer,
		Logger:   a.logger,
		Seed:     a.installation.seed,
		Hold:     a.life.hold,
		IDClock:  a.idClock(),
	})
	return nil
}

// reloadWait is how long the load of a config waits for documents that have to be prepared.
const reloadWait = 10 * time.Second

// follow keeps the workflows up to date with the store. If another config has the store open
// already, they are loaded when it returns: the other config serves until then, and workflows have
// to be served without a gap. Documents that take longer than reloadWait to prepare do not delay
// the config.
func (a *App) follow() error {
	a.catalog = catalog.New(catalog.Options{
		Nodes: a.types, Logger: a.logger, Keep: a.mirror.SetLastValid, Rejected: a.events.workflowRejected, Context: a.ctx,
		Changed: a.workflowChanged,
	})
	unsubscribe := a.mirror.Subscribe(a.catalog.Apply)
	unpublish := a.mirror.Subscribe(a.batchApplied)
	a.life.onEnd(func() error {
		unpublish()
		unsubscribe()
		a.catalog.Close()
		return nil
	})
	ctx, cancel := context.WithTimeout(a.ctx, reloadWait)
	defer cancel()
	_ = a.catalog.Settled(ctx) // documents that are not prepared by then serve later
	return a.ctx.Err()
}
