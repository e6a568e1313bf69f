package consoletest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/flowtrux/edge/internal/compiled/builtin"
)

// What all tests share. Each has its own server, its own tab and its own data.
var (
	browser *Browser
	caddy   string
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "consoletest-")
		if err != nil {
			return fail(err)
		}
		defer os.RemoveAll(dir)
		caddy = filepath.Join(dir, "caddy")
		if err := Build(context.Background(), caddy); err != nil {
			return fail(err)
		}
		if err := builtin.Compile(context.Background()); err != nil {
			return fail(err)
		}
		b, stop, err := StartBrowser(context.Background())
		if err != nil {
			return fail(err)
		}
		defer stop()
		browser = b
		return m.Run()
	}())
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "consoletest:", err)
	return 1
}

// open starts a server with the examples, and opens its console.
func open(t *testing.T, o Options) (*Server, *Page) {
	t.Helper()
	s := Start(t, caddy, o)
	p := browser.Open(t)
	p.SignIn(s.Console(), User, Password)
	return s, p
}
