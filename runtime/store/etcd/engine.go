// Package etcd is the store engine on etcd's client: it works with a cluster over the network
// ([Cluster]) and, given a client of another make, with an etcd server in the same process (package
// embedded).
//
// It uses etcd as a store of configuration: documents below one prefix that change now and then. It
// keeps no leases, takes no locks, and does not manage users or members. etcd 3.4 and later are
// known to work.
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

// DefaultPrefix is where the content is when nothing else is said.
const DefaultPrefix = "/flowtrux/"

// DefaultMaxPause is the default of Config.MaxPause.
const DefaultMaxPause = 5 * time.Second

const (
	// requestTime bounds one request to etcd.
	requestTime = 20 * time.Second
	// aliveTime bounds the question whether a store that says nothing is there.
	aliveTime = 5 * time.Second
	// progressTime is how often a quiet watch is asked whether it is alive. etcd drops the question
	// while the watch catches up, so that one without an answer says nothing yet.
	progressTime = 20 * time.Second
	// silenceTime is how long a watch that owes a sign of life may keep silent.
	silenceTime = time.Minute
)

// Config of an Engine.
type Config struct {
	Name string // of the engine, see store.Engine
	// where the store is, without secrets: the part of the identity beside the prefix
	Location string
	Prefix   string // of all keys; "" = DefaultPrefix; see CleanPrefix

	// Connect makes a client, which the engine closes. It is called in the background, again and
	// again until it succeeds, and once more after each failure that the operator has to mend. It
	// may wait for the store, as long as ctx has not ended. An error that says that the store
	// refuses the client wraps store.ErrDenied.
	Connect func(ctx context.Context) (*clientv3.Client, error)

	// MaxPause is the longest pause between two attempts to follow the store. Pauses double from
	// half a second on; each is shortened by a random part of up to a half, so that many edges do
	// not come back together. After what the operator has to mend it is six times as long: such an
	// attempt may have cost the store a whole list. Default: 5s.
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

// New makes an engine. It does no input or output.
func New(c Config) *Engine {
	c.Prefix = CleanPrefix(c.Prefix)
	c.MaxPause = cmp.Or(c.MaxPause, DefaultMaxPause)
	return &Engine{config: c, progress: progressTime, silence: silenceTime}
}

// CleanPrefix is the prefix that is used for p: it ends with a slash, so that /a/ does not take in
// what is below /ab/.
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

// Open implements store.Engine. Connecting is Follow's business.
func (e *Engine) Open(context.Context) error { return nil }

// connect returns the client, made if there is none.
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

// connected returns the client that there is, or an error of package store.
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
		_ = e.client.Close() // says only that it was closed
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
