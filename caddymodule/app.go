package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/executor"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/signature"
	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/tracing"
)

// appName is the app's module ID, its global option and the handler's directive.
const appName = "flowtrux"

// readyWait is how long after the start requests wait for the store instead of being rejected at
// once.
const readyWait = 2 * time.Second

// openWait bounds the opening of the store when a config starts.
const openWait = 30 * time.Second

// App is FlowTrux Edge: it runs workflows from a store when signed webhooks arrive, each step in a
// WebAssembly sandbox of its own. Without any configuration, all data is stored below Caddy's data
// directory. The handler `flowtrux` passes webhooks to the app.
//
// Workflows, secrets and globals are not part of Caddy's config: they are in the store, and a
// change there is live without a reload.
//
// In a Caddyfile, the app is a global option:
//
//	{
//		flowtrux {
//			node slugify /etc/flowtrux/slugify.wasm {
//				memory 16MiB
//			}
//			globals_write counters.*
//			egress {
//				allow 10.0.0.0/8
//			}
//			limits {
//				executions 512
//			}
//		}
//	}
//
// The same in JSON:
//
//	{
//		"apps": {
//			"flowtrux": {
//				"nodes": {"slugify": {"file": "/etc/flowtrux/slugify.wasm", "memory": 16777216}},
//				"globals_write": ["counters.*"],
//				"egress": {"allow": ["10.0.0.0/8"]},
//				"limits": {"executions": 512}
//			}
//		}
//	}
//
// The app emits these events, to which the `events` app can subscribe. Handlers run one after the
// other, apart from requests. At most 256 events wait for them; further ones are dropped, and the
// log says how many.
//
// Event | Emitted when | Data
// ------|--------------|-----
// `flowtrux.execution_failed` | an execution fails or times out | see below
// `flowtrux.workflow_rejected` | a document is invalid | see below
//
// The data of `flowtrux.execution_failed` is `workflow`, `execution_id`, `status` (`failed` or
// `timed_out`), and `node` and `code` of the first node that failed; both are empty if there is
// none. That of `flowtrux.workflow_rejected` is `id`, `revision`, and `problems`, each with `path`
// and `reason`. The event is also emitted for invalid documents that are found when a config is
// loaded.
type App struct {
	// Where workflows, secrets and globals are stored. Default: `{"engine": "embedded"}`, an etcd
	// server inside this process that opens no port.
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=flowtrux.stores inline_key=engine"`

	// Where accepted executions are stored until they have ended, and their records afterwards.
	// Default: `{"engine": "bbolt"}`, a file in Caddy's data directory.
	JournalRaw json.RawMessage `json:"journal,omitempty" caddy:"namespace=flowtrux.journals inline_key=engine"`

	// Name of this machine, for those who look at a journal that several machines share. Two
	// machines must not have the same one. Default: the host's name.
	Machine string `json:"machine,omitempty"`

	// Custom node types, by the name that workflows use. Names of built-in node types cannot be
	// used. If a module does not load, the config is not loaded.
	Nodes map[string]*Node `json:"nodes,omitempty"`

	// Modules that offer several node types, all of which workflows can use. If a module does not
	// load, the config is not loaded.
	Families []*Family `json:"families,omitempty"`

	// Patterns of the globals that nodes may write, in the syntax of Go's path.Match: `*` matches
	// any characters but a slash. Keys that begin with `__secret` can never be written. Default:
	// none.
	GlobalsWrite []string `json:"globals_write,omitempty"`

	// What nodes may reach by HTTP besides public addresses.
	Egress *Egress `json:"egress,omitempty"`

	// Limits of requests, nodes and executions.
	Limits *Limits `json:"limits,omitempty"`

	// Exports spans of executions as the `OTEL_*` environment variables say. Default: false, there
	// are no spans but Caddy's own.
	Tracing bool `json:"tracing,omitempty"`

	ctx    caddy.Context
	logger *zap.Logger
	life   *lifetime // everything below lives until its end
	meters *meters
	events *events
	live   *liveFeed
	tracer *tracing.Tracer // nil = no spans

	flushSpans func() // nil = there is no tracer

	installation *installation
	mirror       *store.Mirror
	catalog      *catalog.Catalog
	types        *engine.Nodes
	budget       *sandbox.Budget // of memory, of all node types of the process
	engine       *engine.Engine
	executor     *executor.Executor
	journal      journal.Journal  // the executor's
	counting     journal.Counting // of journal; nil = it does not count
	sharing      journal.Sharing  // of journal; nil = it is of this machine alone
	journalConf  journal.Module
	sources      string // the keys of the store and the journal
	handlers     handlers
	bodies       *bodies
	linger       *linger
	refusals     *lineLimit        // of the log
	decoy        *signature.Scheme // verifies signatures of webhooks that do not exist

	// the context of executions that a sender waits for; it ends shortly before the process does
	waiting     context.Context
	stopWaiting context.CancelCauseFunc
	// the context of streams of events; it ends when the config begins to stop
	streaming   context.Context
	stopStreams context.CancelFunc
	drainBy     time.Time // set when the process exits; used by the goroutine that stops Caddy

	started    atomic.Pointer[time.Time] // nil until started
	stopRunner func()                    // nil until started
	// from the start to the stop: changes of the store are published
	publishing atomic.Bool
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  appName,
		New: func() caddy.Module { return new(App) },
	}
}

// Provision checks the config, loads the operator's node modules and acquires what is shared with
// other configs. It opens no port and writes no files but the caches of compiled and fetched
// modules. It connects to other machines only to fetch modules.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx = ctx
	a.logger = ctx.Logger()
	a.life = newLifetime()
	a.waiting, a.stopWaiting = context.WithCancelCause(context.Background())
	a.life.onEnd(releasing(func() { a.stopWaiting(errStopping) }))
	a.streaming, a.stopStreams = context.WithCancel(context.Background())
	a.life.onEnd(releasing(a.stopStreams))
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
		a.listen, a.acquireTracer, a.acquireMeters, a.acquireLive, a.acquireInstallation, a.acquireMirror, a.loadNodes, a.acquireExecutor,
		a.makeEngine, a.follow,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return a.meters.register(ctx.GetMetricsRegistry(), a)
}

// Start opens the store and the journal, unless another config has, and begins to run the
// executions in the journal.
func (a *App) Start() error {
	if err := a.installation.save(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(a.ctx, openWait)
	defer cancel()
	if err := a.openStorage(ctx); err != nil {
		return err
	}
	if err := a.joinFleet(ctx); err != nil {
		return err
	}
	// As soon as there are workflows, requests have to be accepted.
	a.journalConf.Configure(a.journal)
	a.executor.LimitRecords(a.journalConf.RecordRate())
	if err := a.mirror.Open(ctx); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	// The limit of the config that was started last applies. If another app does not start, it is
	// that of the config before.
	a.life.onEnd(releasing(a.budget.SetLimit(a.Limits.SandboxMemory)))
	a.stopRunner = a.executor.Use(executor.Runner{Engine: a.engine, Resolve: a.resolve})
	now := time.Now()
	a.started.Store(&now)
	a.publishChanges()
	if d := a.journal.Durability(); d == journal.Memory {
		a.logger.Warn("accepted executions are stored in memory only: they are lost when the process ends",
			zap.String("durability", string(d)))
	}
	return nil
}

// openStorage opens the journal and the store's engine side by side: both wait for the disk.
func (a *App) openStorage(ctx context.Context) error {
	var opening sync.WaitGroup
	var failed error
	opening.Go(func() {
		if failed = a.mirror.OpenEngine(ctx); failed != nil {
			failed = fmt.Errorf("opening the store: %w", failed)
		}
	})
	err := a.journal.Open(ctx)
	if err != nil {
		err = fmt.Errorf("opening the journal: %w", err)
	}
	opening.Wait()
	return errors.Join(err, failed)
}

// releasing makes a release of a function that cannot fail.
func releasing(f func()) func() error {
	return func() error { f(); return nil }
}

// patience is how long a request may still wait for the store. A store that is away does not delay
// requests later on.
func (a *App) patience() time.Duration {
	if started := a.started.Load(); started != nil {
		return time.Until(started.Add(readyWait))
	}
	return readyWait // Caddy starts apps in no order: the server may have started first
}

// loaded reports whether the store has been loaded. An app that has just started gets a moment for
// it.
func (a *App) loaded(ctx context.Context) bool {
	if a.isLoaded() {
		return true
	}
	ready := a.catalog.Ready()
	patience := time.NewTimer(a.patience())
	defer patience.Stop()
	select {
	case <-ready:
		return true
	case <-patience.C:
	case <-ctx.Done():
	}
	return false
}

// isLoaded is loaded without waiting.
func (a *App) isLoaded() bool {
	select {
	case <-a.catalog.Ready():
		return true
	default:
		return false
	}
}

// Stop waits for accepted executions when the process exits. On a reload they go on, and so do
// requests.
func (a *App) Stop() error {
	a.publishing.Store(false)
	if caddy.Exiting() {
		a.drain()
	}
	return nil
}

// Cleanup releases what Provision acquired, once the last request and execution that uses it has
// ended.
func (a *App) Cleanup() error {
	if a.life == nil {
		return nil
	}
	return a.life.end()
}

// dataDir is the directory of all files that the config places nowhere else.
func dataDir() string { return filepath.Join(caddy.AppDataDir(), "flowtrux") }

// runningApp returns the app of the config that runs. The error wraps caddy.ErrNotConfigured when
// that config has none.
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
