// Package etcd is the store engine for etcd. It works with a cluster over the network ([Cluster])
// and, with another kind of client, with an etcd server in the same process (package embedded).
//
// It uses etcd for configuration: documents below one prefix that change now and then. It uses no
// leases or locks, and does not manage users or members. It works with etcd 3.4 and later.
//
// The package is a stable API; see package store for what may change.
package etcd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/flowtrux/edge/runtime/store"
)

// DefaultPrefix is the default of Config.Prefix.
const DefaultPrefix = "/flowtrux/"

// DefaultMaxPause is the default of Config.MaxPause.
const DefaultMaxPause = 5 * time.Second

const (
	// requestTime is the time limit of one request to etcd.
	requestTime = 20 * time.Second
	// aliveTime is the time limit of the check whether a silent store is still there.
	aliveTime = 5 * time.Second
	// progressTime is how often a quiet watch is asked for a sign of life. etcd drops the request
	// while the watch catches up, so that one missing reply means nothing.
	progressTime = 20 * time.Second
	// silenceTime is how long a watch may be silent after such a request.
	silenceTime = time.Minute
)

// Config of an Engine.
type Config struct {
	Name string // of the engine, see store.Engine
	// the location of the store, without secrets: a part of the identity
	Location string
	Prefix   string // of all keys; "" = DefaultPrefix; see CleanPrefix

	// Connect makes a client, which the engine closes. It is called in the background until it
	// succeeds, and again after each failure that the operator has to fix. It may wait for the
	// store until ctx ends. If the store denies access, its error wraps store.ErrDenied.
	Connect func(ctx context.Context) (*clientv3.Client, error)

	// MaxPause is the longest pause between two attempts to follow the store. Pauses start at half
	// a second and double. Each is shortened by a random part of up to a half, so that servers do
	// not reconnect at the same time. After a failure that the operator has to fix, the pause is
	// six times as long as MaxPause: such an attempt may have cost the store a whole list. Default:
	// 5s.
	MaxPause time.Duration
}

// Engine is a store.Engine on etcd.
type Engine struct {
	config   Config
	progress time.Duration // see progressTime
	silence  time.Duration // see silenceTime

	mu     sync.Mutex
	client *clientv3.Client // nil = not connected
	closed bool
}

// New creates an engine. It does no input or output.
func New(c Config) *Engine {
	c.Prefix = CleanPrefix(c.Prefix)
	c.MaxPause = cmp.Or(c.MaxPause, DefaultMaxPause)
	return &Engine{config: c, progress: progressTime, silence: silenceTime}
}

// CleanPrefix returns the prefix that is used for p. It ends with a slash, so that /a/ does not
// include keys below /ab/.
func CleanPrefix(p string) string {
	p = cmp.Or(p, DefaultPrefix)
	if !strings.HasSuffix(p, "/") {
		p += "/"
	}
	return p
}

// Name implements store.Engine.
func (e *Engine) Name() string { return e.config.Name }

// Identity implements store.Engine.
func (e *Engine) Identity() string {
	return fmt.Sprintf("%s %s %s", e.config.Name, e.config.Location, e.config.Prefix)
}

// Open implements store.Engine. Follow connects.
func (e *Engine) Open(context.Context) error { return nil }

// connect returns the client, which is made if there is none.
func (e *Engine) connect(ctx context.Context) (*clientv3.Client, error) {
	if c, err := e.connected(); c != nil || errors.Is(err, store.ErrClosed) {
		return c, err
	}
	c, err := e.config.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.client = c
	return c, nil
}

// connected returns the existing client, or an error of package store.
func (e *Engine) connected() (*clientv3.Client, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return nil, store.ErrClosed
	case e.client == nil:
		return nil, store.ErrUnavailable
	}
	return e.client, nil
}

// disconnect closes the client, so that the next attempt makes a new one.
func (e *Engine) disconnect() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client != nil {
		_ = e.client.Close() // the error only says that it was closed
		e.client = nil
	}
}

// Close implements store.Engine.
func (e *Engine) Close() error {
	e.disconnect()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	return nil
}

var _ store.Engine = (*Engine)(nil)
