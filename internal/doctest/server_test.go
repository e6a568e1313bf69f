package doctest

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/flowtrux/edge/internal/testports"
)

// usualSite is the address in Caddyfile.example.
const usualSite = "localhost:8080"

// server is a running `make run` in a copy of the repository: with the command, Caddyfile and
// examples of readers, but on free ports.
type server struct {
	dir  string   // of the copy
	site string   // host:port
	env  []string // in which commands talk to this server
}

func startServer(t *testing.T) *server {
	t.Helper()
	s := &server{dir: t.TempDir(), site: "localhost:" + reservedPort(t)}
	s.copyRepository(t)
	state := filepath.Join(s.dir, ".run")
	s.env = append(os.Environ(), "CADDY_ADMIN=localhost:"+reservedPort(t),
		// as the server's, so that modules are compiled once
		"XDG_DATA_HOME="+filepath.Join(state, "data"), "XDG_CONFIG_HOME="+filepath.Join(state, "config"))
	s.build(t, "caddy", "./xcaddy")
	s.build(t, "demo", "./internal/demo")

	cmd := exec.Command(filepath.Join(s.dir, "bin", "demo"), "-site", "http://"+s.site)
	cmd.Dir, cmd.Env, cmd.Stderr = s.dir, s.env, os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	serving := false
	for lines := bufio.NewScanner(io.TeeReader(stdout, &said)); !serving && lines.Scan(); {
		serving = strings.HasPrefix(lines.Text(), "Serving on ")
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // Ctrl-C; when it has ended already, Wait says how
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demo did not end well: %v\n%s", err, said.String())
		}
	})
	if !serving {
		t.Fatalf("the demo does not serve:\n%s", said.String())
	}
	for _, mode := range []string{"minimal", "lastNode", "specificNode", "allNodes"} {
		if !strings.Contains(said.String(), "\n"+mode+": ") {
			t.Errorf("the demo shows no webhook in mode %s:\n%s", mode, said.String())
		}
	}
	return s
}

// build builds a command of this module into the copy's bin.
func (s *server) build(t *testing.T, name, pkg string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(s.dir, "bin", name), pkg)
	cmd.Dir = top
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, out)
	}
}

// copyRepository copies the repository, so that commands of pages can write anywhere. In the
// examples and their Caddyfile it replaces the usual address with that of the site.
func (s *server) copyRepository(t *testing.T) {
	t.Helper()
	walk(t, func(name string) {
		to := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		text := read(t, name)
		if name == "Caddyfile.example" || strings.HasPrefix(name, "examples/") {
			text = strings.ReplaceAll(text, usualSite, s.site)
		}
		if err := os.WriteFile(to, []byte(text), info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	})
}

func reservedPort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(testports.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}
