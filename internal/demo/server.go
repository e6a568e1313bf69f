package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	defaultSite  = "http://localhost:8080" // of Caddyfile.example
	defaultAdmin = "localhost:2019"        // Caddy's own
	adminEnv     = "CADDY_ADMIN"           // Caddy takes another one from here

	stopWait = 20 * time.Second // for the server to end; then it is killed
	logTail  = 4 << 10          // bytes of the log that are shown when it dies
)

// server is a running Caddy.
type server struct {
	cmd     *exec.Cmd
	site    string // URL without a path
	admin   string // address of its admin endpoint
	log     *os.File
	logFile string
	done    chan struct{} // closed when the process has ended
	err     error         // how it ended; after done
}

// startServer starts Caddy with all its state below o.state.
func startServer(o options) (*server, error) {
	u, err := url.Parse(o.site)
	if err != nil {
		return nil, fmt.Errorf("-site: %w", err)
	}
	if err := portFree(":" + u.Port()); err != nil {
		return nil, fmt.Errorf("%w: the examples are served at %s, so stop what is there, or change the address in %s and name it with -site",
			err, o.site, o.config)
	}
	state, err := filepath.Abs(o.state)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, err
	}
	admin, err := adminAddress()
	if err != nil {
		return nil, err
	}
	s := &server{site: o.site, admin: admin, logFile: filepath.Join(o.state, "caddy.log"), done: make(chan struct{})}
	if s.log, err = os.Create(s.logFile); err != nil {
		return nil, err
	}
	s.cmd = exec.Command(o.caddy, "run", "--config", o.config, "--adapter", "caddyfile")
	s.cmd.Env = append(os.Environ(),
		"XDG_DATA_HOME="+filepath.Join(state, "data"), "XDG_CONFIG_HOME="+filepath.Join(state, "config"), adminEnv+"="+admin)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the server: %w", err), s.log.Close())
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	return s, nil
}

// adminAddress is the environment's or Caddy's usual admin address, or one on a free port when
// another Caddy has that.
func adminAddress() (string, error) {
	if a := os.Getenv(adminEnv); a != "" {
		return a, nil
	}
	if portFree(defaultAdmin) == nil {
		return defaultAdmin, nil
	}
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func portFree(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return l.Close()
}

// waitReady waits until the server has loaded its workflows and prepared all of them. When ctx ends
// first, or the server was told to end, there is no error.
func (s *server) waitReady(ctx context.Context, limit time.Duration) (ready bool, err error) {
	late := time.After(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		// A workflow that cannot be is not found once there are workflows; before that the server
		// is not ready (503).
		resp, err := http.Get(s.site + "/api/webhooks/-")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusNotFound && s.prepared(ctx) {
				return true, nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, nil
		case <-s.done:
			return false, s.died()
		case <-late:
			return false, fmt.Errorf("the server is not ready after %s; its log is %s", limit, s.logFile)
		}
	}
}

// prepared reports whether all documents have been prepared. On a first start the nodes have to be
// compiled for that.
func (s *server) prepared(ctx context.Context) bool {
	// fails if something needs to be fixed
	out, _ := exec.CommandContext(ctx, s.cmd.Path, "flowtrux", "status", "--json", "--address", s.admin).Output()
	var status struct {
		Ready     bool     `json:"ready"`
		Preparing []string `json:"preparing"`
	}
	return json.Unmarshal(out, &status) == nil && status.Ready && len(status.Preparing) == 0
}

// died returns the reason why a server ended by itself, or nil if it was stopped: by the same
// Ctrl-C, or through its admin endpoint.
func (s *server) died() error {
	if s.told() {
		return nil
	}
	tail := []byte("(no log)")
	if b, err := os.ReadFile(s.logFile); err == nil {
		tail = b[max(0, len(b)-logTail):]
	}
	return fmt.Errorf("the server has ended (%w):\n%s", s.err, bytes.TrimSpace(tail))
}

// told reports whether a server that has ended was told to. A signal that comes before Caddy has
// installed its handlers ends it at once.
func (s *server) told() bool {
	exit := (*exec.ExitError)(nil)
	if !errors.As(s.err, &exit) {
		return s.err == nil
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && (status.Signal() == syscall.SIGINT || status.Signal() == syscall.SIGTERM || status.Signal() == syscall.SIGHUP)
}

// stop ends the server and waits for it. A server that has already ended is not an error. Ctrl-C
// also reaches the server directly, as it goes to all processes of the terminal. A SIGTERM
// after it does not make Caddy quit by force, as a second SIGINT would.
func (s *server) stop() error {
	defer s.log.Close()
	select {
	case <-s.done:
		return nil
	default:
	}
	err := s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
		if !s.told() {
			return fmt.Errorf("stopping the server: %w; its log is %s", s.err, s.logFile)
		}
		return nil
	case <-time.After(stopWait):
		err = errors.Join(fmt.Errorf("the server did not stop within %s and is killed", stopWait), err, s.cmd.Process.Kill())
		<-s.done
		return err
	}
}
