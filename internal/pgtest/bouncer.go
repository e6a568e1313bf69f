//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Bouncer is a running PgBouncer before a server, which pools connections by transaction.
type Bouncer struct {
	Port int

	dir  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// Bounce starts a PgBouncer that has a few connections to the server, whatever its clients are.
func (s *Server) Bounce(connections int) (*Bouncer, error) {
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		if path = "/usr/sbin/pgbouncer"; !isThere(path) {
			return nil, fmt.Errorf("PgBouncer is not installed: %w", err)
		}
	}
	port, dir, err := place()
	if err != nil {
		return nil, err
	}
	b := &Bouncer{Port: port, dir: dir}
	if err := b.start(s, path, connections); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return b, nil
}

func (b *Bouncer) start(s *Server, path string, connections int) error {
	users, settings := filepath.Join(b.dir, "users.txt"), filepath.Join(b.dir, "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
postgres = host=%s port=%d user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = %d
max_client_conn = 200
`, s.dir, s.Port, User, b.Port, users, connections)
	if err := errors.Join(os.WriteFile(users, []byte(`"`+User+`" ""`+"\n"), 0o644), os.WriteFile(settings, []byte(text), 0o644)); err != nil {
		return err
	}
	account, err := s.account()
	if err != nil {
		return err
	}
	if account != nil {
		if err := os.Chown(b.dir, int(account.Uid), int(account.Gid)); err != nil {
			return err
		}
	}
	b.cmd = exec.Command(path, settings)
	b.cmd.Dir = b.dir
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account, Setpgid: true}
	var log bytes.Buffer
	b.cmd.Stderr = &log
	if err := b.cmd.Start(); err != nil {
		return err
	}
	b.done = make(chan struct{})
	go func() {
		defer close(b.done)
		_ = b.cmd.Wait()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(b.Port)))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-b.done:
			return fmt.Errorf("PgBouncer has ended:\n%s", log.String())
		case <-ctx.Done():
			return errors.Join(err, b.Stop())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Connection returns the connection string of the default database, through the pooler.
func (b *Bouncer) Connection() string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=%s dbname=postgres sslmode=disable", b.Port, User)
}

// Stop ends the pooler and its connections.
func (b *Bouncer) Stop() error {
	select {
	case <-b.done:
	default:
		if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		<-b.done
	}
	return os.RemoveAll(b.dir)
}
