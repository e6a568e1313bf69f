package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/goleak"

	_ "github.com/flowtrux/edge/caddymodule/journalbbolt"
	_ "github.com/flowtrux/edge/caddymodule/journalmemory"
	_ "github.com/flowtrux/edge/caddymodule/journalpostgres"
	_ "github.com/flowtrux/edge/caddymodule/storeembedded"
	_ "github.com/flowtrux/edge/caddymodule/storeetcd"
	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/signature"
	"github.com/flowtrux/edge/runtime/store"
)

// TestMain gives the tests their own data directory, except for compiled code.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "caddymodule-")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		if err := os.Setenv(name, dir); err != nil {
			panic(err)
		}
	}
	if err := compiled.Link(dir); err != nil {
		panic(err)
	}
	letGo, err := keepCompiled()
	if err != nil {
		panic(err)
	}
	code := m.Run()
	if err := letGo(); err != nil {
		panic(err)
	}
	if code == 0 {
		// certmagic holds the lock of its cleanup for some seconds.
		if err := goleak.Find(goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// keepCompiled holds the built-in nodes in the sandbox that all configs share, until letGo. Reading
// them from disk takes a fraction of a second for each config, and seconds with -race.
func keepCompiled() (letGo func() error, err error) {
	installation, release, err := acquireInstallation(filepath.Join(dataDir(), "seed"))
	if err != nil {
		return nil, err
	}
	budget, releaseBudget, err := acquireBudget(sandbox.DefaultBudget)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	host, releaseHost, err := acquireHost(filepath.Join(dataDir(), "wasm"), installation.seed, budget.Budget)
	if err != nil {
		return nil, errors.Join(err, releaseBudget(), release())
	}
	ctx := context.Background()
	var held []*sandbox.Module
	letGo = func() error {
		var err error
		for _, m := range held {
			err = errors.Join(err, m.Close(ctx))
		}
		return errors.Join(err, releaseHost(), releaseBudget(), release())
	}
	for _, f := range nodes.Builtin() {
		all := hostapi.Grants{HTTP: true, Log: true, Globals: true}
		m, err := host.Load(ctx, sandbox.ModuleConfig{Type: f.Name, Source: f.Name, Wasm: f.Wasm, Grants: all, Offered: f.Types[0].Name})
		if err != nil {
			return nil, errors.Join(err, letGo())
		}
		held = append(held, m)
	}
	return letGo, nil
}

// secret signs all requests of these tests.
const secret = "test-secret"

// site is a provisioned app with a handler, behind a real HTTP server.
type site struct {
	t      testing.TB
	ctx    caddy.Context
	app    *App
	server *httptest.Server
	caddy  *running // instead of the server
}

// newSite starts a site with a new store. app and handler are JSON objects.
func newSite(t testing.TB, app, handler string) *site {
	t.Helper()
	s := provisionSite(t, app, handler)
	if err := s.app.Start(); err != nil {
		t.Fatalf("starting: %v", err)
	}
	select {
	case <-s.app.catalog.Ready():
	case <-time.After(30 * time.Second):
		t.Fatal("the store does not become ready")
	}
	return s
}

// provisionSite is newSite without Start.
func provisionSite(t testing.TB, app, handler string) *site {
	t.Helper()
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{
			WriterRaw: json.RawMessage(`{"output":"discard"}`),
		}}}},
		AppsRaw: caddy.ModuleMap{appName: withStore(t, app)},
	})
	if err != nil {
		t.Fatalf("provisioning: %v", err)
	}
	v, err := ctx.App(appName)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, ctx: ctx, app: v.(*App)}
	gone := ended(s.app)
	t.Cleanup(func() {
		if err := s.app.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
		if err := s.app.Cleanup(); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
		<-gone // until then, the app may write to the test's directories
	})
	s.server = httptest.NewServer(s.serve(s.handler(handler)))
	t.Cleanup(s.server.Close)
	return s
}

// withStore adds a store and a journal in new directories to an app's config.
func withStore(t testing.TB, app string) json.RawMessage {
	t.Helper()
	config := map[string]any{}
	if err := json.Unmarshal([]byte(app), &config); err != nil {
		t.Fatal(err)
	}
	if config["store"] == nil {
		config["store"] = map[string]any{"engine": "embedded", "dir": filepath.Join(t.TempDir(), "etcd")}
	}
	if config["journal"] == nil {
		config["journal"] = map[string]any{"engine": "bbolt", "file": filepath.Join(t.TempDir(), "journal.db")}
	}
	b, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// handler provisions a handler of the site's config.
func (s *site) handler(config string) *Handler {
	s.t.Helper()
	h, err := s.ctx.LoadModuleByID("http.handlers.flowtrux", json.RawMessage(config))
	if err != nil {
		s.t.Fatal(err)
	}
	return h.(*Handler)
}

// serve adds the context that Caddy's server prepares to a handler, and a next handler behind it.
func (s *site) serve(h *Handler) http.Handler {
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, "next handler")
		return err
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h.ServeHTTP(w, asCaddy(r), next); err != nil {
			s.t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
	})
}

// asCaddy returns a request with the context that Caddy's server gives it.
func asCaddy(r *http.Request) *http.Request {
	ctx := context.WithValue(r.Context(), caddyhttp.ExtraLogFieldsCtxKey, new(caddyhttp.ExtraLogFields))
	ctx = context.WithValue(ctx, caddy.ReplacerCtxKey, caddy.NewReplacer())
	ctx = context.WithValue(ctx, caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: "203.0.113.7"})
	return r.WithContext(ctx)
}

// put stores values by key and returns once they are served.
func (s *site) put(keyValues ...string) {
	s.t.Helper()
	var entries []store.Entry
	for i := 0; i < len(keyValues); i += 2 {
		entries = append(entries, store.Entry{Key: keyValues[i], Value: []byte(keyValues[i+1])})
	}
	if _, err := s.app.mirror.Write(s.t.Context(), entries, nil); err != nil {
		s.t.Fatalf("writing to the store: %v", err)
	}
	if err := s.app.catalog.Settled(s.t.Context()); err != nil {
		s.t.Fatalf("waiting for documents to be prepared: %v", err)
	}
}

// putWorkflow stores a workflow with the tests' secret.
func (s *site) putWorkflow(id, document string) {
	s.t.Helper()
	s.put("secrets/"+id, secret, "workflows/"+id, document)
}

// trigger is a workflow that has only a trigger, with the given webhook settings. It responds with
// the event's data.
func trigger(webhook string) string {
	return `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":` + webhook + `}}],"edges":[]}`
}

// call is a request to a site.
type call struct {
	method  string // POST
	path    string
	header  http.Header
	body    string
	chunked bool
}

// to returns a signed POST.
func to(id, body string) call {
	return call{path: defaultPrefix + id, body: body}.sign("", secret, time.Now())
}

// sign signs according to a scheme's settings. "" is the default scheme.
func (c call) sign(scheme, secret string, at time.Time) call {
	var raw []byte
	if scheme != "" {
		raw = []byte(scheme)
	}
	s, err := signature.ParseScheme(raw)
	if err != nil {
		panic(err)
	}
	c.header = c.header.Clone()
	if c.header == nil {
		c.header = http.Header{}
	}
	s.Sign(c.header, []byte(c.body), signature.NewKey([]byte(secret), time.Time{}), at, "msg-1")
	return c
}

// with sets a header.
func (c call) with(name, value string) call {
	c.header = c.header.Clone()
	if c.header == nil {
		c.header = http.Header{}
	}
	c.header.Set(name, value)
	return c
}

// reply is a site's response.
type reply struct {
	status int
	header http.Header
	body   string
}

// code returns the error code, or "" if the reply is not an error.
func (r reply) code() string {
	var e struct {
		Success *bool
		Error   struct{ Code, Message string }
	}
	if json.Unmarshal([]byte(r.body), &e) != nil || e.Success == nil || *e.Success || e.Error.Message == "" {
		return ""
	}
	return e.Error.Code
}

// do sends a call and checks what holds for every response of the handler.
func (s *site) do(c call) reply {
	s.t.Helper()
	r, err := s.try(c)
	if err != nil {
		s.t.Fatal(err)
	}
	if r.body == "next handler" {
		return r
	}
	if r.header.Get("X-Content-Type-Options") == "" {
		s.t.Errorf("%s: no X-Content-Type-Options", c.path)
	}
	if length := r.header.Get("Content-Length"); length != fmt.Sprint(len(r.body)) && r.status != http.StatusNoContent && r.status != http.StatusNotModified && c.method != http.MethodHead {
		s.t.Errorf("%s: Content-Length %q of %d bytes", c.path, length, len(r.body))
	}
	if strings.Contains(r.body, secret) {
		s.t.Errorf("%s: the response contains the secret: %s", c.path, r.body)
	}
	return r
}

func (s *site) try(c call) (reply, error) {
	r, err := s.once(c)
	// The listener of a config that was just replaced may still accept a connection, which is reset
	// when the listener closes. Its server closes connections on which it has just read a request
	// (https://go.dev/src/net/http/server.go, conn.serve). No handler has seen these.
	for n := 0; n < 10 && s.caddy != nil && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)); n++ {
		r, err = s.once(c)
	}
	return r, err
}

func (s *site) once(c call) (reply, error) {
	if c.method == "" {
		c.method = http.MethodPost
	}
	var body io.Reader = bytes.NewReader([]byte(c.body))
	if c.chunked {
		body = io.MultiReader(body) // hides the length
	}
	var base string
	var client *http.Client
	if s.caddy != nil {
		base, client = "http://"+s.caddy.address, s.caddy.client
	} else {
		base, client = s.server.URL, s.server.Client()
	}
	req, err := http.NewRequest(c.method, base+c.path, body)
	if err != nil {
		return reply{}, err
	}
	maps.Copy(req.Header, c.header)
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b)}, err
}

// eventually waits until ok returns true. The limit is generous, because only a failing test
// reaches it.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}
