package consoletest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/internal/crash"
)

// Root returns the directory of the repository.
var Root = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && bytes.HasPrefix(mod, []byte("module github.com/flowtrux/edge\n")) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod of github.com/flowtrux/edge is above the working directory")
		}
		dir = parent
	}
})

// Build builds the server, with the console's files as they are in the work tree.
func Build(ctx context.Context, output string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	// The flags of `make build`, which has compiled most of it already.
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-w -s", "-tags", "nobadger,nomysql,nopgx,nopgxregisterdefaulttypes", "-o", output, "./xcaddy")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the server: %w\n%s", err, out)
	}
	return nil
}

// User and Password open the site's console of a [Server].
const (
	User     = "alice"
	Password = "correct horse"
	// hash is bcrypt's of Password, with the least cost: a test that waits for it shows nothing.
	hash = "$2a$04$JzfOtH7B62OnV.OJR62vcuxQZVJ1uorW46nqoMtD816JRQpEzMh86"
)

// Options shape a Server. All have a default.
type Options struct {
	Global  string // lines of the global options
	App     string // lines of the global flowtrux block
	Store   string // lines of the store's block, such as a seed
	Journal string // lines of the journal's block
	Handler string // lines of the webhook handler's block
	Console string // lines of the console's block
	Site    string // further lines of the site
}

// Server is a Caddy process with webhooks, and a console below /console/ for [User].
type Server struct {
	*crash.Server
	Caddy string // the program
	Dir   string // of its data
}

// Start starts a server with its own data, and stops it when the test has ended.
func Start(t T, caddy string, o Options) *Server {
	t.Helper()
	s := Create(t, caddy, o)
	if err := s.Start(t.Context()); err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

// Create makes a server and does not start it.
func Create(t T, caddy string, o Options) *Server {
	t.Helper()
	code, err := compiled.Dir()
	if err != nil {
		t.Fatalf("%v", err)
	}
	dir := t.TempDir()
	s, err := crash.New(crash.Config{
		Command: []string{caddy}, Dir: dir, Code: code, Logs: dir,
		Global: o.Global, Options: o.App, Store: o.Store, Journal: o.Journal, Handler: o.Handler,
		Site: fmt.Sprintf("basic_auth /console/* {\n%s %s\n}\nflowtrux_console {\n%s\n}\n%s", User, hash, o.Console, o.Site),
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		s.Kill()
		if log := s.Log(); bytes.Contains([]byte(log), []byte("panic")) || t.Failed() {
			t.Logf("the end of the server's log:\n%s", log[max(0, len(log)-4000):])
			if !t.Failed() {
				t.Errorf("the server panicked")
			}
		}
	})
	return &Server{s, caddy, dir}
}

// Console returns the address of the site's console.
func (s *Server) Console() string { return "http://" + s.Site() + "/console/" }
