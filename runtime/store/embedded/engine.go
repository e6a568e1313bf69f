// Package embedded is the store engine for one machine: an etcd server in this process that opens
// no port, followed by the same engine as a cluster (package etcd).
//
// The server is always a single member: it does not join clusters, and a directory belongs to one
// process at a time. Machines that share their content use a cluster.
//
// The package is a stable API; see package store for what may change.
package embedded

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/etcd"
)

// Name is the engine's name.
const Name = "embedded"

// maxPause is short: there is no network to protect.
const maxPause = time.Second

// Options of an Engine.
type Options struct {
	Servers *Servers // of the process
	Dir     string   // of the data; created with mode 0700 if missing
	Prefix  string   // of all keys; "" = etcd.DefaultPrefix

	// Listen is the path of a Unix socket on which the server can also be reached, by etcdctl for
	// example. It needs no password: the permissions of its directory protect it. The socket has
	// mode 0600. "" = none.
	Listen string

	Logger *zap.Logger // for the server's warnings; must outlive configurations; nil = no log

	quota  int64 // of the database, in bytes; 0 = defaultQuota; tests use less
	tickMs uint  // of raft; 0 = etcd's default of 100; tests use more
}

// Engine is a store.Engine on an etcd server in this process. Engines of one directory share the
// server.
type Engine struct {
	*etcd.Engine
	options Options

	mu     sync.Mutex
	server *server // nil = not open
}

// maxSocket is the longest path of a socket that all systems accept.
const maxSocket = 103 - len(newSocket)

// New creates an engine. It does no input or output. It returns an error if Dir or Listen cannot be
// used.
func New(o Options) (*Engine, error) {
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, fmt.Errorf("finding the directory: %w", err)
	}
	if o.Listen != "" {
		if o.Listen, err = filepath.Abs(o.Listen); err != nil {
			return nil, fmt.Errorf("finding the socket: %w", err)
		}
		if len(o.Listen) > maxSocket {
			return nil, fmt.Errorf("the path of the socket has %d bytes, the most is %d: %s", len(o.Listen), maxSocket, o.Listen)
		}
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	e := &Engine{options: o}
	e.Engine = etcd.New(etcd.Config{Name: Name, Location: o.Dir, Prefix: o.Prefix, Connect: e.connect, MaxPause: maxPause})
	return e, nil
}

// Open implements store.Engine. It waits up to 30s for the server to be ready. The error wraps
// ErrInUse if another process has the directory.
func (e *Engine) Open(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server != nil {
		return nil
	}
	s, err := e.options.Servers.acquire(ctx, e.options)
	if err != nil {
		return fmt.Errorf("starting the embedded store in %s: %w", e.options.Dir, err)
	}
	e.server = s
	return nil
}

// connect makes a client that calls the server directly.
func (e *Engine) connect(context.Context) (*clientv3.Client, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server == nil {
		return nil, store.ErrClosed
	}
	return v3client.New(e.server.etcd.Server), nil
}

// Follow implements store.Engine. After the server has failed, it reports that until ctx ends: only
// a new process helps.
func (e *Engine) Follow(ctx context.Context, apply func(store.Batch) error, report func(store.State, error)) error {
	e.mu.Lock()
	s := e.server
	e.mu.Unlock()
	if s == nil {
		return store.ErrClosed
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(s.failed, stop)()
	err := e.Engine.Follow(working, apply, report)
	if ctx.Err() == nil && s.failed.Err() != nil {
		report(store.Failed, context.Cause(s.failed))
		<-ctx.Done()
		err = ctx.Err()
	}
	return err
}

// Close implements store.Engine. The server ends with the last engine that uses it.
func (e *Engine) Close() error {
	err := e.Engine.Close()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server != nil {
		e.options.Servers.release(e.server)
		e.server = nil
	}
	return err
}

var _ store.Engine = (*Engine)(nil)
