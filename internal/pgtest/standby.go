//go:build unix

package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Standby starts a server that follows this one, under a name that synchronous_standby_names may
// have.
func (s *Server) Standby(name string) (*Server, error) {
	port, dir, err := place()
	if err != nil {
		return nil, err
	}
	standby := &Server{Port: port, dir: dir}
	if err := standby.copy(s, name); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := standby.Run(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return standby, nil
}

// copy copies the data directory of a running server.
func (s *Server) copy(primary *Server, name string) error {
	if err := s.give(); err != nil {
		return err
	}
	from := fmt.Sprintf("host=127.0.0.1 port=%d user=%s application_name=%s", primary.Port, User, name)
	cmd, err := s.command("pg_basebackup", "-D", s.data(), "-d", from, "-R", "-X", "stream", "-c", "fast", "--no-sync")
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w\n%s", err, out)
	}
	return s.configure(nil)
}

// Promote makes a standby the primary one.
func (s *Server) Promote() error {
	cmd, err := s.command("pg_ctl", "promote", "-D", s.data(), "-w")
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_ctl: %w\n%s", err, out)
	}
	return nil
}

// DemandPasswords makes the server ask for passwords on its port, and not on its socket.
func (s *Server) DemandPasswords() error {
	rules := "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
	if err := os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(rules), 0o600); err != nil {
		return err
	}
	return s.cmd.Process.Signal(syscall.SIGHUP)
}

// ConnectionTo returns the connection string for the port of the server and a user.
func (s *Server) ConnectionTo(user string) string {
	return "host=127.0.0.1 port=" + strconv.Itoa(s.Port) + " user=" + user + " dbname=postgres sslmode=disable"
}

// replicating is how long a standby may take to follow.
const replicating = time.Minute

// Replicate makes commits wait until a standby of that name has them, and waits until it follows.
// With "" they wait for none.
func (s *Server) Replicate(standby string) error {
	if err := s.configure([]string{"synchronous_standby_names='" + standby + "'"}); err != nil {
		return err
	}
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil || standby == "" {
		return err
	}
	const query = "select count(*) from pg_stat_replication where sync_state = 'sync'"
	for late := time.Now().Add(replicating); ; time.Sleep(20 * time.Millisecond) {
		psql, err := s.command("psql", "-XAtd", s.Connection(), "-c", query)
		if err != nil {
			return err
		}
		out, err := psql.CombinedOutput()
		if err == nil && strings.TrimSpace(string(out)) == "1" {
			return nil
		}
		if time.Now().After(late) {
			return errors.Join(fmt.Errorf("the standby %s does not follow:\n%s", standby, out), err)
		}
	}
}
