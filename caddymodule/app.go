package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/signature"
	"github.com/flowtrux/edge/runtime/store"
)

// appName is the app's module id, its global option and the handler's directive.
const appName = "flowtrux"

// readyWait is how long after the start requests wait for the store instead of being refused at
// once.
const readyWait = 2 * time.Second

// openWait bounds the opening of the store when a config starts.
const openWait = 30 * time.Second

// App is FlowTrux Edge: workflows that come from a store and are run by signed webhooks, each step
// in a sandbox of its own. Without any configuration it keeps everything below Caddy's data
// directory. The handler `flowtrux` brings webhooks to it.
//
// Workflows, secrets and globals are not part of Caddy's config: they come from the store, and a
// change there is live without a reload.
type App struct {
	// Where workflows, secrets and globals come from. Default: `{"engine": "embedded"}`, an etcd
	// inside this process that opens no port.
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=flowtrux.stores inline_key=engine"`

	// Where accepted executions are kept until they have ended, and records of them afterwards.
	// Default: `{"engine": "bbolt"}`, a file in Caddy's data directory.
	JournalRaw json.RawMessage `json:"journal,omitempty" caddy:"namespace=flowtrux.journals inline_key=engine"`

	// Node types beside the built-in ones, by the name under which workflows use them. The name of
	// a built-in type cannot be taken. A module that does not load fails the load of the config.
	Nodes map[string]*Node `json:"nodes,omitempty"`

	// Patterns of the globals that nodes may write, in the syntax of Go's path.Match: `*` stands
	// for any run of characters but a slash. Keys that begin with `__secret` can never be written.
	// Default: none.
	GlobalsWrite []string `json:"globals_write,omitempty"`

	// What nodes may reach by HTTP beside public addresses.
	Egress *Egress `json:"egress,omitempty"`

	// Limits of requests, nodes and executions.
	Limits *Limits `json:"limits,omitempty"`

	ctx    caddy.Context
	logger *zap.Logger
	life   *lifetime // everything below is kept until it is over
	meters *meters
	events *events

	installation *installation
	mirror       *store.Mirror
	catalog      *catalog.Catalog
	types        *engine.Nodes
	budget       *sandbox.Budget // of memory, of all node types of the process
	engine       *engine.Engine
	executor     *engine.Executor
	journal      journal.Journal // the executor's
	journalConf  journal.Module
	bodies       *bodies
	linger       *linger
	refusals     *lineLimit        // of the log
	decoy        *signature.Scheme // checks the signatures of webhooks that do not exist

	// of executions that a sender waits for; ends when the process has to
	waiting     context.Context
	stopWaiting context.CancelCauseFunc
	drainBy     time.Time // set when the process exits; used by the goroutine that stops Caddy

	started    atomic.Pointer[time.Time] // nil until started
	stopRunner func()                    // nil until started
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  appName,
		New: func() caddy.Module { return new(App) },
	}
}

// Provision checks the config, loads the node modules and takes what is shared with other configs.
// It opens no file but to read and no port; only the caches of compiled and of fetched modules are
// written, and there is a connection only where a module has to be fetched.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx = ctx
	a.logger = ctx.Logger()
	a.life = newLifetime()
	a.waiting, a.stopWaiting = context.WithCancelCause(context.Background())
	a.life.keep(func() error { a.stopWaiting(errStopping); return nil })
	if err := a.checkConfig(); err != nil {
		return err
	}
	a.bodies = newBodies(a.Limits)
	a.linger = newLinger()
	a.refusals = newLineLimit()
	var err error
	if a.decoy, err = signature.ParseScheme(nil); err != nil {
		return err
	}
	for _, step := range []func() error{
		a.listen, a.acquireMeters, a.acquireInstallation, a.acquireMirror, a.loadNodes, a.acquireExecutor,
		a.makeEngine, a.follow,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return a.meters.register(ctx.GetMetricsRegistry(), a)
}

// Start opens the store, unless another config has, and begins to run what the journal holds.
func (a *App) Start() error {
	if err := a.installation.save(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(a.ctx, openWait)
	defer cancel()
	// The journal comes first: with the store there are workflows, and requests that want to be
	// accepted.
	if err := a.journal.Open(ctx); err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	a.journalConf.Configure(a.journal)
	a.executor.LimitRecords(a.journalConf.RecordRate())
	if err := a.mirror.Open(ctx); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	// The limit of the config that was started last is in force, and that of the one before if
	// another app does not start.
	a.life.keep(releasing(a.budget.SetLimit(a.Limits.SandboxMemory)))
	a.stopRunner = a.executor.Use(engine.Runner{Engine: a.engine, Resolve: a.resolve})
	now := time.Now()
	a.started.Store(&now)
	if d := a.journal.Durability(); d == journal.Memory {
		a.logger.Warn("accepted executions are kept in memory only: they are lost when the process ends",
			zap.String("durability", string(d)))
	}
	return nil
}

// releasing is a release that has no error.
func releasing(f func()) func() error {
	return func() error { f(); return nil }
}

// patience is how long a request may still wait for the store. A store that is away does not hold
// requests up for ever.
func (a *App) patience() time.Duration {
	if started := a.started.Load(); started != nil {
		return time.Until(started.Add(readyWait))
	}
	return readyWait // Caddy starts apps in no order: the server may have been before us
}

// Stop lets accepted executions end when the process exits. On a reload they go on, and so do
// requests.
func (a *App) Stop() error {
	if caddy.Exiting() {
		a.drain()
	}
	return nil
}

// Cleanup gives back what Provision took, when the last request and execution that uses it has
// ended.
func (a *App) Cleanup() error {
	if a.life == nil {
		return nil
	}
	return a.life.end()
}

// dataDir is where everything is kept that is not placed elsewhere.
func dataDir() string { return filepath.Join(caddy.AppDataDir(), "flowtrux") }

// runningApp is the app of the config that runs. The error wraps caddy.ErrNotConfigured when it has
// none.
func runningApp() (*App, error) {
	v, err := caddy.ActiveContext().AppIfConfigured(appName)
	if err != nil {
		return nil, err
	}
	a, ok := v.(*App)
	if !ok {
		return nil, errors.New("the app flowtrux is another module")
	}
	return a, nil
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Module       = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
