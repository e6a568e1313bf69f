// Package etcdtest runs real etcd servers on loopback ports for tests: Debian's in a process of its
// own, and the one of go.mod in this process. It is for the tests of this module, and may change in
// any version.
package etcdtest

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/internal/testports"
)

// patience is the time limit of waits.
const patience = 30 * time.Second

// Server is an etcd server that a test can stop and start.
type Server struct {
	Address string // host:port of clients

	t    *testing.T
	run  func() (stop func())
	stop func() // nil = stopped
}

// start starts a server, which is stopped at the end of the test.
func start(t *testing.T, run func(address string) (stop func())) *Server {
	t.Helper()
	address := testports.Address(t)
	s := &Server{Address: address, t: t, run: func() func() { return run(address) }}
	t.Cleanup(s.Stop)
	s.Start()
	return s
}

// Start starts a stopped server with its earlier data, and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	s.stop = s.run()
	s.Do("waiting for the server", func(ctx context.Context, c *clientv3.Client) error {
		for {
			attempt, cancel := context.WithTimeout(ctx, time.Second)
			_, err := c.Get(attempt, "/")
			cancel()
			if err == nil || ctx.Err() != nil || errors.Is(err, rpctypes.ErrUserEmpty) {
				return ctx.Err()
			}
		}
	})
}

// Stop stops the server. It is idempotent.
func (s *Server) Stop() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// Do calls f with a client. An error fails the test.
func (s *Server) Do(doing string, f func(context.Context, *clientv3.Client) error) {
	s.t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{s.Address}, Logger: zap.NewNop()})
	if err != nil {
		s.t.Fatalf("connecting: %v", err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := f(ctx, c); err != nil {
		s.t.Fatalf("%s: %v", doing, err)
	}
}

// Compact makes the server drop all history.
func (s *Server) Compact() {
	s.t.Helper()
	s.Do("compacting", func(ctx context.Context, c *clientv3.Client) error {
		r, err := c.Get(ctx, "/", clientv3.WithCountOnly())
		if err != nil {
			return err
		}
		_, err = c.Compact(ctx, r.Header.GetRevision())
		return err
	})
}

// Debian starts the etcd that is installed on this machine, which is 3.4 on Debian.
func Debian(t *testing.T) *Server {
	t.Helper()
	binary, err := exec.LookPath("etcd")
	if err != nil {
		t.Fatal("no etcd server to test against: install Debian's etcd-server (apt-get install etcd-server)")
	}
	dir, peer := t.TempDir(), "http://"+testports.Address(t)
	return start(t, func(address string) func() {
		client := "http://" + address
		cmd := exec.Command(binary, "--name", "debian", "--data-dir", dir,
			"--listen-client-urls", client, "--advertise-client-urls", client,
			"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "debian="+peer)
		// 3.4 requires this on arm64
		cmd.Env = append(os.Environ(), "ETCD_UNSUPPORTED_ARCH=arm64")
		if err := cmd.Start(); err != nil {
			t.Fatalf("starting etcd: %v", err)
		}
		return func() {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait() // the error only says how it ended
		}
	})
}

// Current starts the etcd of go.mod in this process.
func Current(t *testing.T) *Server { return CurrentWith(t, func(*embed.Config) {}) }

// CurrentWith is Current with a changed configuration.
func CurrentWith(t *testing.T, change func(*embed.Config)) *Server {
	t.Helper()
	dir, peer := t.TempDir(), "http://"+testports.Address(t)
	return start(t, func(address string) func() {
		c := embed.NewConfig()
		c.Name, c.Dir = "current", dir
		c.ListenPeerUrls, c.AdvertisePeerUrls = nil, urls(t, peer)
		c.ListenClientUrls, c.AdvertiseClientUrls = urls(t, "http://"+address), urls(t, "http://"+address)
		c.InitialCluster = "current=" + peer
		c.TickMs, c.ElectionMs = 10, 100
		c.UnsafeNoFsync, c.BcryptCost = true, 4 // tests want it fast
		c.EnableGRPCGateway = false
		c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
		change(c)
		e, err := embed.StartEtcd(c)
		if err != nil {
			t.Fatalf("starting etcd: %v", err)
		}
		return e.Close
	})
}

func urls(t *testing.T, text string) []url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return []url.URL{*u}
}
