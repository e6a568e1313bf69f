//go:build unix

// Package pgtest runs PostgreSQL servers for tests, as processes of this machine: the binaries of
// the system, a new data directory each, on a Unix socket and a port of loopback.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/flowtrux/edge/internal/testports"
)

// Server is a running server.
type Server struct {
	Port int

	dir  string // has the data directory, the socket and the log
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// User is the superuser of the servers. Connections of this machine need no password.
const User = "flowtrux"

// startTime is how long a server may take to start.
const startTime = 3 * time.Minute

// Start creates a data directory and starts a server with some settings beside its own, such as
// "max_connections=20".
func Start(settings ...string) (*Server, error) {
	port, dir, err := place()
	if err != nil {
		return nil, err
	}
	s := &Server{Port: port, dir: dir}
	if err := s.create(settings); err != nil {
		return nil, errors.Join(fmt.Errorf("creating a data directory: %w", err), os.RemoveAll(dir))
	}
	if err := s.Run(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// place returns a port and a directory for a process.
func place() (port int, dir string, err error) {
	address, err := testports.Reserve()
	if err != nil {
		return 0, "", err
	}
	dir, err = os.MkdirTemp("", "pgtest")
	return int(address.Port()), dir, err
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) create(settings []string) error {
	if err := s.give(); err != nil {
		return err
	}
	initdb, err := s.command("initdb", "-D", s.data(), "-U", User, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	if err != nil {
		return err
	}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	own := []string{"listen_addresses='127.0.0.1'", "max_connections=100", "shared_buffers=64MB", "logging_collector=off"}
	return s.configure(slices.Concat(own, settings))
}

// configure adds settings to the file.
func (s *Server) configure(settings []string) error {
	settings = append(settings, "unix_socket_directories='"+s.dir+"'", "port="+strconv.Itoa(s.Port))
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("\n" + strings.Join(settings, "\n") + "\n")
	return errors.Join(err, f.Close())
}

// account returns whose the processes are: servers refuse to run as root. nil = this user's.
func (s *Server) account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true}, err
	}
	return nil, errors.New("there is no user to run PostgreSQL as: neither postgres nor nobody")
}

// give gives the directory to whose the processes are.
func (s *Server) give() error {
	account, err := s.account()
	if err != nil || account == nil {
		return err
	}
	return os.Chown(s.dir, int(account.Uid), int(account.Gid))
}

// command returns a command of PostgreSQL.
func (s *Server) command(name string, args ...string) (*exec.Cmd, error) {
	path, err := find(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = s.dir
	account, err := s.account()
	// A process group of its own: an interrupt of the terminal is for the test.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account, Setpgid: true}
	tie(cmd.SysProcAttr)
	return cmd, err
}

// find returns the path of a command: Debian keeps those of servers apart, by version. Of several
// versions it is the newest.
func find(name string) (string, error) {
	const versions = "/usr/lib/postgresql"
	newest, in := -1, ""
	dirs, _ := os.ReadDir(versions) // there are none where it is not Debian's
	for _, d := range dirs {
		path := filepath.Join(versions, d.Name(), "bin", name)
		if n, err := strconv.Atoi(d.Name()); err == nil && n > newest && isThere(path) {
			newest, in = n, path
		}
	}
	if in != "" {
		return in, nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("PostgreSQL is not installed: %w", err)
	}
	return path, nil
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Run starts the server, which is not running, and waits until it takes connections.
func (s *Server) Run() error {
	cmd, err := s.command("postgres", "-D", s.data())
	if err != nil {
		return err
	}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.done = cmd, make(chan struct{})
	go func() {
		defer close(s.done)
		_ = cmd.Wait()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for {
		ready, err := s.command("pg_isready", "-q", "-h", s.dir, "-p", strconv.Itoa(s.Port))
		if err != nil {
			return err
		}
		if ready.Run() == nil {
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("the server has ended:\n%s", log.String())
		case <-ctx.Done():
			return errors.Join(errors.New("the server does not take connections"), s.Kill())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Connection returns the connection string of the default database.
func (s *Server) Connection() string {
	return fmt.Sprintf("host=%s port=%d user=%s dbname=postgres sslmode=disable", s.dir, s.Port, User)
}

// Stop ends the server in order and removes its data.
func (s *Server) Stop() error { return errors.Join(s.end(syscall.SIGINT), os.RemoveAll(s.dir)) }

// Kill ends the server as a crash does. Run starts it again.
func (s *Server) Kill() error { return s.end(syscall.SIGQUIT) }

func (s *Server) end(signal syscall.Signal) error {
	select {
	case <-s.done:
		return nil
	default:
	}
	if err := s.cmd.Process.Signal(signal); err != nil {
		return err
	}
	<-s.done
	return nil
}
