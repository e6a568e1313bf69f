package caddymodule

import (
	"context"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/executor"
	"github.com/flowtrux/edge/runtime/feed"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/store"
)

// pool holds what outlives a config: a reload that does not change an object's settings finds it
// here and goes on using it. Pooled objects must not refer to anything of the config that made
// them. They log to processLog.
var pool = caddy.NewUsagePool()

// poolKey identifies a pooled object: its kind, and all settings that shape it. Secrets are part of
// it only as a hash.
type poolKey struct{ kind, shape string }

// drainTime is how long accepted executions may go on when the process or its last config ends,
// unless Caddy has a grace period.
const drainTime = 10 * time.Second

// acquire takes a reference to a pooled object, which construct makes if there is none. The caller
// owns exactly one reference and calls release once.
func acquire[V caddy.Destructor](kind, shape string, construct func() (V, error)) (v V, release func() error, err error) {
	key := poolKey{kind, shape}
	got, _, err := pool.LoadOrNew(key, func() (caddy.Destructor, error) { return construct() })
	if err != nil {
		return v, nil, err
	}
	return got.(V), func() error {
		_, err := pool.Delete(key)
		return err
	}, nil
}

// pooledHost is a sandbox with its compiled code, one for each cache directory.
type pooledHost struct{ *sandbox.Host }

func (p pooledHost) Destruct() error { return p.Close(context.Background()) }

// pooledBudget is the memory budget of all sandboxes of the process.
type pooledBudget struct{ *sandbox.Budget }

// Destruct implements caddy.Destructor; there is nothing to release.
func (pooledBudget) Destruct() error { return nil }

// acquireBudget acquires the memory budget. A new one has the limit given, in bytes, until a config
// sets its own when it starts.
func acquireBudget(limit int64) (pooledBudget, func() error, error) {
	return acquire("sandbox memory", "", func() (pooledBudget, error) { return pooledBudget{sandbox.NewBudget(limit)}, nil })
}

// acquireHost acquires the sandbox of a cache directory. The seed is the installation's and the
// budget the process's: they are the same for all sandboxes.
func acquireHost(cacheDir string, seed [seedSize]byte, b *sandbox.Budget) (pooledHost, func() error, error) {
	return acquire("sandbox", cacheDir, func() (pooledHost, error) {
		h, err := sandbox.New(sandbox.Options{CacheDir: cacheDir, Seed: seed, Budget: b, CacheFailed: func(err error) {
			processLog(appName).Warn("compiled code is not kept: the next start compiles again", zap.String("directory", cacheDir), zap.Error(err))
		}})
		if err != nil {
			return pooledHost{}, fmt.Errorf("making the sandbox: %w", err)
		}
		return pooledHost{h}, nil
	})
}

// pooledMirror is the copy in memory of a store's content, one for each store.
type pooledMirror struct{ *store.Mirror }

func (p pooledMirror) Destruct() error { return p.Close() }

func acquireMirror(m store.Module) (pooledMirror, func() error, error) {
	return acquire("store", m.StoreKey(), func() (pooledMirror, error) {
		e, err := m.NewEngine(processLog("flowtrux.store"))
		if err != nil {
			return pooledMirror{}, fmt.Errorf("making the store: %w", err)
		}
		return pooledMirror{store.NewMirror(store.MirrorOptions{
			Engine: e,
			Cache:  m.CachePath(),
			Seed:   m.SeedDir(),
			Logger: processLog("flowtrux.store"),
		})}, nil
	})
}

// pooledExecutor runs the executions in a journal, one for each journal.
type pooledExecutor struct{ *executor.Executor }

// Destruct waits up to drainTime for accepted executions, unless they were drained already.
func (p pooledExecutor) Destruct() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if left := p.Close(ctx); left > 0 {
		return fmt.Errorf("%d accepted executions were cut off", left)
	}
	return nil
}

// acquireExecutor acquires the executor of a journal. The meters count what it does there, and the
// feed publishes it: they are those of the process for as long as there is a config.
func acquireExecutor(m journal.Module, meters journalMeters, f *feed.Feed) (pooledExecutor, func() error, error) {
	return acquire("journal", m.JournalKey(), func() (pooledExecutor, error) {
		j, err := m.NewJournal()
		if err != nil {
			return pooledExecutor{}, fmt.Errorf("making the journal: %w", err)
		}
		x := executor.New(meteredJournal{j, meters}, 0)
		x.PublishTo(f)
		return pooledExecutor{x}, nil
	})
}
