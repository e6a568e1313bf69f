package caddymodule

import (
	"context"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/store"
)

// pool holds what outlives a config: a reload that changes nothing about an object finds it here
// and goes on with it. Pooled objects must not hold on to anything of the config that made them;
// their log is processLog.
var pool = caddy.NewUsagePool()

// poolKey names a pooled object: its kind and all that shapes it. Secrets are in it only as a hash.
type poolKey struct{ kind, shape string }

// drainTime bounds how long accepted work may go on when its process or its last config ends,
// unless Caddy's grace period says otherwise.
const drainTime = 10 * time.Second

// acquire takes a reference on a pooled object, made by construct if there is none. The caller owns
// exactly one reference and gives it back by calling release once.
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

// pooledHost is the sandbox and its compiled code, one for each cache directory.
type pooledHost struct{ *sandbox.Host }

func (p pooledHost) Destruct() error { return p.Close(context.Background()) }

// pooledBudget is what all sandboxes of the process take of memory. It holds nothing of its own.
type pooledBudget struct{ *sandbox.Budget }

// Destruct implements caddy.Destructor.
func (pooledBudget) Destruct() error { return nil }

// acquireBudget takes the budget, of so many bytes until a config sets its limit when it starts.
func acquireBudget(limit int64) (pooledBudget, func() error, error) {
	return acquire("sandbox memory", "", func() (pooledBudget, error) { return pooledBudget{sandbox.NewBudget(limit)}, nil })
}

// acquireHost takes the sandbox of a cache directory; seed is the installation's secret and b the
// process's budget, which are the same for all of them.
func acquireHost(cacheDir string, seed [seedSize]byte, b *sandbox.Budget) (pooledHost, func() error, error) {
	return acquire("sandbox", cacheDir, func() (pooledHost, error) {
		h, err := sandbox.New(sandbox.Options{CacheDir: cacheDir, Seed: seed, Budget: b})
		if err != nil {
			return pooledHost{}, fmt.Errorf("making the sandbox: %w", err)
		}
		return pooledHost{h}, nil
	})
}

// pooledMirror is the copy of a store's content, one for each store.
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

// pooledExecutor runs what the journal holds, one for each journal.
type pooledExecutor struct{ *engine.Executor }

// Destruct lets what was accepted end, for a while, unless it was drained already.
func (p pooledExecutor) Destruct() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if left := p.Close(ctx); left > 0 {
		return fmt.Errorf("%d accepted executions were cut off", left)
	}
	return nil
}

// acquireExecutor takes the executor of a journal. What it does there is counted by the meters,
// which are those of the process as long as there is a config.
func acquireExecutor(m journal.Module, meters journalMeters) (pooledExecutor, func() error, error) {
	return acquire("journal", m.JournalKey(), func() (pooledExecutor, error) {
		j, err := m.NewJournal()
		if err != nil {
			return pooledExecutor{}, fmt.Errorf("making the journal: %w", err)
		}
		return pooledExecutor{engine.NewExecutor(meteredJournal{j, meters}, 0)}, nil
	})
}
