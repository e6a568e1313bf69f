// Package embedded is the store engine for one machine: an etcd server in this process that opens
// no port, followed through the same engine as a cluster (package etcd).
//
// It is a single member for ever: it does not join clusters, and a directory belongs to one process
// at a time. Machines that share their content use a cluster.
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

// maxPause is short: there is no network to spare.
const maxPause = time.Second

// Options of an Engine.
type Options struct {
	Servers *Servers // of the process
	Dir     string   // of the data; created with mode 0700 when it is not there
	Prefix  string   // of all keys; "" = etcd.DefaultPrefix

	// Listen is the path of a Unix socket on which the server can be reached too, by etcdctl for
	// example, without a password: the permissions of its directory are what guards it. "" = none.
	// The socket has mode 0600.
	Listen string

	Logger *zap.Logger // for the server's warnings; must not belong to one config; nil = no log

	quota int64 // of the database, in bytes; 0 = defaultQuota. Tests have less.
}

// Engine is a store.Engine on an etcd server in this process. Engines of one directory share the
// server.
type Engine struct {
	*etcd.Engine
	options Options

	mu     sync.Mutex
	server *server // nil = not open
}

// maxSocket is the longest path of a socket that all systems take.
const maxSocket = 103 - len(newSocket)

// New makes an engine. It does no input or output. The error says that Dir or Listen cannot be.
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

// Open implements store.Engine. It waits for the server to be ready, 30s at most. The error wraps
// ErrInUse when another process has the directory.
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

// Follow implements store.Engine. When the server has failed it says so until ctx ends: only a new
// process helps.
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
