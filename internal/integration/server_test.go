package integration

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	// all of Caddy's modules, as users build it
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/flowtrux/edge"
	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/internal/compiled/builtin"
	"github.com/flowtrux/edge/internal/testports"
)

// secret signs all requests of these tests.
const secret = "integration-secret"

// server is a real Caddy in this process. There can be only one at a time.
type server struct {
	t      *testing.T
	site   string // host:port
	admin  string // host:port
	client *http.Client
	log    string // file
	bind   string // Caddy's bind directive for the site; "" = none, the site listens at its address
}

// start creates a server with its own data directory. It has no config until load.
func start(t *testing.T) *server {
	t.Helper()
	dataHome(t)
	s := &server{t: t, site: testports.Address(t), admin: testports.Address(t), log: filepath.Join(t.TempDir(), "caddy.log")}
	// No keep-alive: a server that shuts down may close an idle connection while a POST is being
	// sent, and Go's client does not retry a POST by itself. With one connection per request, every
	// failure is ours. The time is for a busy machine: with the race detector, Caddy's hash of an
	// unknown user's password takes 10 s.
	s.client = &http.Client{Timeout: 5 * time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	t.Cleanup(func() {
		s.stop()
		if b, err := os.ReadFile(s.log); err == nil && bytes.Contains(b, []byte("panic")) {
			t.Errorf("the server panicked:\n%s", b)
		}
	})
	return s
}

// childCaddy is the environment variable that makes this binary a Caddy, for tests that kill one.
const childCaddy = "FLOWTRUX_INTEGRATION_CADDY"

func TestMain(m *testing.M) {
	if file := os.Getenv(serveFile); file != "" {
		serve(file)
	}
	if os.Getenv(childCaddy) != "" {
		caddycmd.Main()
		return
	}
	if err := builtin.Compile(context.Background()); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// dataHome gives the test its own data directory, except for the compiled code.
func dataHome(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	if err := compiled.Link(dir); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_DATA_HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
}

// caddyfile builds a config on this server's addresses from an app block and a handler block.
func (s *server) caddyfile(app, handler string) string {
	return fmt.Sprintf(`{
	admin %s
	persist_config off
	auto_https off
	grace_period 20s
	log {
		output file %s
	}
	flowtrux {
		%s
	}
}
http://%s {
	%s
	flowtrux {
		%s
	}
	respond "next handler" 404
}
`, s.admin, s.log, app, s.site, s.bind, handler)
}

// keepSocket makes the site listen on one socket for the whole test, as under systemd's socket
// activation. Otherwise each config has its own socket. When one is closed, the kernel resets the
// connections in its backlog.
func (s *server) keepSocket() {
	s.t.Helper()
	l, err := net.Listen("tcp", s.site)
	if err != nil {
		s.t.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	if err := errors.Join(err, l.Close()); err != nil {
		s.t.Fatal(err)
	}
	// Caddy uses the file for the rest of the process, so it is not closed here.
	s.bind = fmt.Sprintf("bind fd/%d", f.Fd())
	kept = append(kept, f)
}

// kept contains files whose descriptors Caddy uses. Without a reference the garbage collector would
// close them.
var kept []*os.File

// load adapts and loads a Caddyfile, even if it has not changed.
func (s *server) load(caddyfile string) {
	s.t.Helper()
	if err := s.tryLoad(caddyfile); err != nil {
		s.t.Fatalf("loading the config: %v", err)
	}
}

func (s *server) tryLoad(caddyfile string) error {
	conf, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "formatted") {
			return fmt.Errorf("warning: %s", w.Message)
		}
	}
	return caddy.Load(conf, true)
}

func (s *server) stop() {
	s.t.Helper()
	if err := caddy.Stop(); err != nil {
		s.t.Errorf("stopping: %v", err)
	}
	eventually(s.t, "configs are released", func() bool { return !releasing() })
}

// releasing reports whether a config that was stopped is in use by an execution that is ending. It
// is released by a goroutine then, which still writes files.
func releasing() bool {
	stacks := make([]byte, 64<<10)
	for {
		n := runtime.Stack(stacks, true)
		if n < len(stacks) {
			return bytes.Contains(stacks[:n], []byte("(*lifetime).end."))
		}
		stacks = make([]byte, 2*len(stacks))
	}
}

// answer is the response that a sender got.
type answer struct {
	status int
	header http.Header
	body   string
}

// post sends a body signed with secret. fields are the names and values of further headers. It
// retries until there is a response: a connection may still reach the listener of a config that has
// just been replaced.
func (s *server) post(path, body string, fields ...string) answer {
	s.t.Helper()
	a, err := s.tryPost(path, body, fields...)
	for n := 0; n < 10 && unanswered(err); n++ {
		a, err = s.tryPost(path, body, fields...)
	}
	if err != nil {
		s.t.Fatalf("POST %s: %v", path, err)
	}
	return a
}

func (s *server) tryPost(path, body string, fields ...string) (answer, error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+s.site+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Webhook-Signature", sign(body))
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(b)}, err
}

func sign(body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// ask sends a request to the admin endpoint. fields are the names and values of further headers.
func (s *server) ask(method, path, body string, fields ...string) answer {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.admin+"/flowtrux/"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Origin", "http://"+s.admin)
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// put stores a workflow and its secret through the admin API.
func (s *server) put(id, document string) {
	s.t.Helper()
	for path, body := range map[string]string{"workflows/" + id: document, "secrets/" + id: secret} {
		if a := s.ask(http.MethodPut, path, body); a.status != http.StatusOK {
			s.t.Fatalf("PUT %s: %d %s", path, a.status, a.body)
		}
	}
}

// echo is a workflow in the given mode whose only step returns the event.
func echo(mode string) string {
	return fmt.Sprintf(`{"nodes":[
		{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":%q}}},
		{"id":"echo","type":"transform","config":{"output":{"got":"{{trigger.data}}"}}}],
		"edges":[{"source":"trigger","target":"echo"}]}`, mode)
}

// eventually waits until ok returns true. The limit is generous, because only a failing test
// reaches it.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// sameJSON compares a body with JSON text, ignoring white space.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w bytes.Buffer
	if err := json.Compact(&g, []byte(got)); err != nil {
		t.Fatalf("the body is not JSON: %q", got)
	}
	if err := json.Compact(&w, []byte(want)); err != nil {
		t.Fatal(err)
	}
	if g.String() != w.String() {
		t.Errorf("body\n got %s\nwant %s", g.String(), w.String())
	}
}

// root returns the repository's top directory.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return dir
}
