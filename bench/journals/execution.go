package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/flowtrux/edge/bench/meter"
	"github.com/flowtrux/edge/bench/workflow"
	"github.com/flowtrux/edge/internal/crash"
	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/internal/testports"
)

// patience is how long executions may take to end, and a cluster to be ready.
const patience = 2 * time.Minute

// execution measures whole executions of minimal in the processes of two servers that have the
// same workflow from the same cluster.
func execution(ctx context.Context, o options) (f figures, err error) {
	f = figures{what: "µs of the edge's CPU an execution", of: "postgres", with: "bbolt", wanted: 1.3}
	dir, err := os.MkdirTemp("", "journals-")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(dir)
	database, err := pgtest.Start()
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, database.Stop()) }()
	cluster, stop, err := startCluster(ctx, filepath.Join(dir, "cluster"))
	if err != nil {
		return f, err
	}
	defer stop()
	var servers [2]*crash.Server
	for i, kept := range []string{fmt.Sprintf("postgres %q", database.Connection()), ""} {
		s, err := startServer(ctx, o.caddy, filepath.Join(dir, fmt.Sprint(i)), kept, cluster)
		if err != nil {
			return f, err
		}
		defer s.Kill()
		servers[i] = s
	}
	for _, s := range servers { // warms up
		if _, err := perExecution(ctx, s, o.executions/4+1); err != nil {
			return f, s.WithLog(err)
		}
	}
	for n := range o.rounds {
		if err := f.measure(n, func(side int) (float64, error) {
			cost, err := perExecution(ctx, servers[side], o.executions)
			if err != nil {
				return 0, servers[side].WithLog(err)
			}
			return cost, nil
		}); err != nil {
			return f, err
		}
	}
	return f, nil
}

// startServer starts a server that accepts executions of minimal. dir is created.
func startServer(ctx context.Context, caddy, dir, kept, cluster string) (s *crash.Server, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	s, err = crash.New(crash.Config{
		Command: []string{caddy}, Dir: dir, Logs: dir, Kept: kept, StoreIn: "etcd " + cluster, Journal: "max_pending 1000000",
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Kill()
		}
	}()
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	if err := s.Put(ctx, "minimal", workflow.Minimal()); err != nil {
		return nil, s.WithLog(err)
	}
	if err := awaitWorkflow(ctx, s); err != nil {
		return nil, s.WithLog(err)
	}
	return s, nil
}

// perExecution returns the µs of CPU that a server uses for an execution, from its acceptance to
// its end.
func perExecution(ctx context.Context, s *crash.Server, executions int) (float64, error) {
	before, err := meter.CPU(s.PID())
	if err != nil {
		return 0, err
	}
	if err := send(ctx, s.Site(), executions); err != nil {
		return 0, err
	}
	if err := s.WaitDrained(ctx, patience); err != nil {
		return 0, err
	}
	after, err := meter.CPU(s.PID())
	return float64((after - before).Nanoseconds()) / 1e3 / float64(executions), err
}

// awaitWorkflow waits until a server has the workflow from the cluster.
func awaitWorkflow(ctx context.Context, s *crash.Server) error {
	late, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	for {
		err := sendOne(late, transport, s.Site())
		if err == nil || late.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// signature is that of body.
var signature = func() string {
	mac := hmac.New(sha256.New, []byte(crash.Secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}()

// send sends webhooks over 32 connections, each when the one before was accepted.
func send(ctx context.Context, site string, n int) error {
	transport := &http.Transport{MaxIdleConnsPerHost: workers}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for next.Add(1) <= int64(n) && ctx.Err() == nil {
				if err := sendOne(ctx, transport, site); err != nil {
					cancel(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

func sendOne(ctx context.Context, transport *http.Transport, site string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+site+"/api/webhooks/minimal", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Webhook-Signature", signature)
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusCreated {
		err = fmt.Errorf("the response is %d %s", resp.StatusCode, text)
	}
	return err
}

// startCluster starts an etcd of one member and returns its address.
func startCluster(ctx context.Context, dir string) (address string, stop func(), err error) {
	var urls [2]string // for clients and peers
	for i := range urls {
		reserved, err := testports.Reserve()
		if err != nil {
			return "", nil, err
		}
		urls[i] = "http://" + reserved.String()
	}
	cmd := exec.CommandContext(ctx, "etcd", "--name", "bench", "--data-dir", dir, "--log-level", "error",
		"--listen-client-urls", urls[0], "--advertise-client-urls", urls[0],
		"--listen-peer-urls", urls[1], "--initial-advertise-peer-urls", urls[1], "--initial-cluster", "bench="+urls[1])
	cmd.Env = append(os.Environ(), "ETCD_UNSUPPORTED_ARCH=arm64") // 3.4 requires this on arm64
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("starting etcd: %w", err)
	}
	return urls[0], func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // the error only says how it ended
	}, nil
}
