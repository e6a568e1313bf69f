package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pretend makes a server of a shell script, which is there when it returns.
func pretend(t *testing.T, script string) *server {
	t.Helper()
	t.Setenv(adminEnv, "localhost:0")
	caddy := filepath.Join(t.TempDir(), "caddy")
	if err := os.WriteFile(caddy, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := startServer(options{caddy: caddy, site: "http://127.0.0.1:0", state: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Ctrl-C reaches the server as well, and may do so before Caddy has its handlers.
func TestAServerThatIsInterruptedWhileItStarts(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		s := pretend(t, "exec sleep 60")
		if err := s.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if ready, err := s.waitReady(t.Context(), time.Minute); ready || err != nil {
			t.Errorf("%s: ready %t, %v", signal, ready, err)
		}
		if err := s.stop(); err != nil {
			t.Errorf("%s: %v", signal, err)
		}
	}
	s := pretend(t, "exec sleep 60")
	if err := s.stop(); err != nil {
		t.Errorf("stopping one that starts: %v", err)
	}
}

func TestAServerThatDies(t *testing.T) {
	s := pretend(t, "echo it went wrong; exit 1")
	if _, err := s.waitReady(t.Context(), time.Minute); err == nil || !strings.Contains(err.Error(), "it went wrong") {
		t.Errorf("waiting for it: %v", err)
	}
	if err := s.stop(); err != nil {
		t.Errorf("stopping it: %v", err)
	}
}

// TestTheConsole starts the console of a server, which says where it is, and stops it.
func TestTheConsole(t *testing.T) {
	for name, test := range map[string]struct{ script, want string }{
		"it starts":         {`echo '{"url":"http://127.0.0.1:1/#token=x"}'; exec sleep 60`, ""},
		"it says something": {`echo hello; exec sleep 60`, "does not say where it is"},
		"it ends":           {`exit 1`, "does not say where it is"},
	} {
		t.Run(name, func(t *testing.T) {
			s := pretend(t, `[ "$1" = flowtrux ] || exec sleep 60; `+test.script)
			c, err := startConsole(t.Context(), s)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%v, want …%s…", err, test.want)
				}
			} else if err != nil || c.url != "http://127.0.0.1:1/#token=x" {
				t.Errorf("%+v %v", c, err)
			} else if err := c.stop(); err != nil {
				t.Error(err)
			}
			if err := s.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}
