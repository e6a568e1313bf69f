package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// ErrInUse means that the directory is in use, most likely by another process.
var ErrInUse = errors.New("the directory is in use by another process")

const (
	startTime = 30 * time.Second // for a server to become ready
	closeTime = 5 * time.Second  // for a failed server to end
	lockTime  = 5 * time.Second  // for an ending process to release the directory
	lockPause = 50 * time.Millisecond
)

// server is a running etcd server.
type server struct {
	dir    string
	listen string
	socket os.FileInfo // at listen; nil = none
	etcd   *embed.Etcd
	unlock func()

	failed context.Context // ends, with the cause, when the server cannot continue
	fail   context.CancelCauseFunc
	watch  sync.WaitGroup

	users int // guarded by Servers.mu
}

// start starts a server and waits until it is ready.
func start(ctx context.Context, o Options) (*server, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("it is not ready after %s", startTime))
	defer cancel()
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	unlock, err := lock(ctx, filepath.Join(o.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	s := &server{dir: o.Dir, listen: o.Listen, unlock: unlock}
	s.failed, s.fail = context.WithCancelCause(context.Background())
	if err := s.run(ctx, o); err != nil {
		s.fail(err)
		return nil, err
	}
	s.watch.Go(s.notice)
	return s, nil
}

// run starts s.etcd and waits until it is ready. If it fails, nothing is left behind, though
// possibly only a little later.
func (s *server) run(ctx context.Context, o Options) error {
	config := serverConfig(o, s)
	made := make(chan error, 1)
	go func() {
		// by default: the log's hook may end this goroutine
		err := errors.New("it gave up")
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("reading the data, which may be damaged: %v", r)
			}
			made <- err
		}()
		if err := trim(o.Dir); err != nil {
			o.Logger.Debug("the unused end of the database is kept", zap.Error(err))
		}
		s.etcd, err = embed.StartEtcd(config)
	}()
	var err error
	select {
	case err = <-made:
		if s.failed.Err() != nil {
			err = context.Cause(s.failed)
		}
	case <-s.failed.Done():
		return s.abandon(made, context.Cause(s.failed))
	case <-ctx.Done():
		return s.abandon(made, context.Cause(ctx))
	}
	if err == nil {
		err = s.awaitReady(ctx)
	}
	if err != nil {
		s.close()
	}
	return err
}

// awaitReady waits until s.etcd is ready, and completes its start.
func (s *server) awaitReady(ctx context.Context) error {
	electing, elected := context.WithCancel(ctx)
	defer elected()
	go elect(electing, s.etcd.Server)
	select {
	case <-s.etcd.Server.ReadyNotify():
		return s.settle(ctx)
	case <-s.etcd.Server.StopNotify():
		return errors.New("it stopped")
	case err := <-s.etcd.Err():
		return err
	case <-s.failed.Done():
		return context.Cause(s.failed)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// abandon no longer waits for a start, which may never end, and returns why.
func (s *server) abandon(made <-chan error, why error) error {
	go func() {
		<-made //nolint:errcheck // why is known already
		s.close()
	}()
	return why
}

// settle completes the start when the server is ready.
func (s *server) settle(ctx context.Context) error {
	if err := s.placeSocket(); err != nil {
		return err
	}
	return s.makeRoom(ctx)
}

// notice marks a server as failed that has ended by itself.
func (s *server) notice() {
	select {
	case err := <-s.etcd.Err():
		if err != nil { // nil: it was closed
			s.fail(fmt.Errorf("the embedded store has failed: %w", err))
		}
	case <-s.etcd.Server.StopNotify():
		s.fail(errors.New("the embedded store has stopped"))
	case <-s.failed.Done():
	}
}

// close stops the server and releases the directory. A failed server may be unable to end: its
// goroutines, and the lock, then last until the end of the process.
func (s *server) close() {
	hasFailed := s.failed.Err() != nil
	s.fail(errClosed)
	s.watch.Wait()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		if s.etcd != nil {
			s.etcd.Close()
		}
		s.removeSocket()
		s.unlock()
	}()
	if !hasFailed {
		<-closed
		return
	}
	select {
	case <-closed:
	case <-time.After(closeTime):
	}
}

// errClosed is the cause when a server ends because it is not used any more.
var errClosed = errors.New("the embedded store is closed")

// lock makes this process the only one that uses a directory. etcd locks its files too, but waits
// forever.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	for deadline := time.Now().Add(lockTime); ; {
		file, err := fileutil.TryLockFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, fileutil.ErrLocked) {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, ErrInUse
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return nil, ErrInUse
		}
	}
}
