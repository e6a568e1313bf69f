package caddymodule

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/standard"
	_ "github.com/caddyserver/caddy/v2/modules/logging"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/internal/testports"
)

// running is a real Caddy in this process. There can be only one at a time.
type running struct {
	t       *testing.T
	address string // of its HTTP server
	store   string // JSON config
	journal string // JSON config
	client  *http.Client

	around
}

// around holds the parts of a site's config besides the handler.
type around struct {
	server  string // further members of the HTTP server, each with a comma before it
	handler string // members of the handler, each with a comma before it
	before  string // handlers before it, each with a comma behind it
	events  string // the events app's config
	logging string // further logs, each with a comma before it
	grace   string // how long servers wait for requests; "" = 1s
}

// run starts Caddy with an app's config and a workflow `echo` that responds with the event's data.
func run(t *testing.T, app string) *running { return runWith(t, app, around{}) }

// runWith is run with further parts of the site's config.
func runWith(t *testing.T, app string, more around) *running {
	t.Helper()
	r := &running{
		t: t, address: testports.Address(t),
		store:   fmt.Sprintf(`{"engine":"embedded","dir":%q}`, t.TempDir()),
		journal: fmt.Sprintf(`{"engine":"bbolt","file":%q}`, filepath.Join(t.TempDir(), "journal.db")),
		client:  &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		around:  more,
	}
	t.Cleanup(func() {
		if a, err := runningApp(); err == nil {
			gone := ended(a)
			defer func() { <-gone }() // until then, the app may write to the test's directories
		}
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	if err := r.load(app); err != nil {
		t.Fatal(err)
	}
	a := r.app()
	select {
	case <-a.catalog.Ready():
	case <-time.After(30 * time.Second):
		t.Fatal("the store does not become ready")
	}
	s := site{t: t, app: a}
	s.putWorkflow("echo", trigger(`{"responseMode":"lastNode"}`))
	return r
}

// load loads a config with the given app config, a JSON object.
func (r *running) load(app string) error {
	events := ""
	if r.events != "" {
		events = `"events": ` + r.events + `,`
	}
	grace := cmp.Or(r.grace, "1s")
	return caddy.Load([]byte(fmt.Sprintf(`{
		"admin": {"disabled": true, "config": {"persist": false}},
		"logging": {"logs": {"default": {"writer": {"output": "discard"}}%s}},
		"apps": {
			%s
			"flowtrux": %s,
			"http": {"grace_period": %q, "servers": {"s": {
				"listen": [%q],
				"automatic_https": {"disable": true},
				"routes": [{"handle": [%s{"handler": "flowtrux"%s}]}]%s
			}}}
		}
	}`, r.logging, events, r.withStore(app), grace, r.address, r.before, r.handler, r.server)), true)
}

// withStore adds the store and the journal to an app's config.
func (r *running) withStore(app string) string {
	config := `{"store":` + r.store
	if !strings.Contains(app, `"journal"`) {
		config += `,"journal":` + r.journal
	}
	if app == `{}` {
		return config + `}`
	}
	return config + `,` + strings.TrimPrefix(app, `{`)
}

// app returns the app of the running config.
func (r *running) app() *App {
	r.t.Helper()
	a, err := runningApp()
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// echo sends a webhook and checks the response.
func (r *running) echo(body string) {
	r.t.Helper()
	resp, err := r.post(body)
	// If each config has its own listener (SO_REUSEPORT), Caddy closes connections that arrive
	// during a reload before any handler has seen them. Caddy does so with any handler, so it is
	// not tested here.
	for tries := 0; err != nil && tries < 10; tries++ {
		resp, err = r.post(body)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(b) != body || err != nil {
		r.t.Errorf("%d %s, %v; want %s", resp.StatusCode, b, err, body)
	}
}

func (r *running) post(body string) (*http.Response, error) {
	r.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+r.address+"/api/webhooks/echo", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header = to("echo", body).header
	return r.client.Do(req)
}

// ended returns a channel that is closed when everything that an app acquired has been released.
func ended(a *App) <-chan struct{} {
	done := make(chan struct{})
	// The first acquisition is the last one released.
	a.life.mu.Lock()
	defer a.life.mu.Unlock()
	a.life.releases = append([]func() error{func() error { close(done); return nil }}, a.life.releases...)
	return done
}

// references counts the users of the pooled objects of a kind, besides the tests themselves: see
// keepCompiled.
func references(kind string) (n int) {
	if kind == "installation" || kind == "sandbox" || kind == "sandbox memory" {
		n--
	}
	pool.Range(func(key, _ any) bool {
		if k := key.(poolKey); k.kind == kind {
			refs, _ := pool.References(key)
			n += refs
		}
		return true
	})
	return n
}

var kinds = []string{"metrics", "installation", "store", "sandbox", "sandbox memory", "journal"}

func checkReferences(t *testing.T, want int) {
	t.Helper()
	for _, kind := range kinds {
		if n := references(kind); n != want {
			t.Errorf("%d references on %s, want %d", n, kind, want)
		}
	}
}

// TestReload loads the same config and a changed one. Shared objects and counters survive.
func TestReload(t *testing.T) {
	r := run(t, `{}`)
	r.echo(`1`)
	used := r.app().budget.Usage().Used
	for i, app := range []string{`{}`, `{"limits":{"executions":7}}`, `{"limits":{"sandbox_memory":200000000}}`, `{"globals_write":["x"]}`} {
		before := r.app()
		gone := ended(before)
		if err := r.load(app); err != nil {
			t.Fatal(err)
		}
		after := r.app()
		if after == before || after.mirror != before.mirror || after.executor != before.executor || after.meters != before.meters {
			t.Errorf("%s: the new config shares nothing with the old one", app)
		}
		<-gone
		checkReferences(t, 1)
		if u := after.budget.Usage(); after.budget != before.budget || u.Limit != after.Limits.SandboxMemory || u.Used > used {
			t.Errorf("%s: %+v of memory, before %d bytes", app, u, used)
		}
		r.echo(fmt.Sprint(i + 2)) // at once: no time without workflows
		var counted dto.Metric
		if err := after.meters.executions.WithLabelValues("echo", "lastNode", "succeeded").Write(&counted); err != nil {
			t.Fatal(err)
		}
		if got := counted.GetCounter().GetValue(); got != float64(i+2) {
			t.Errorf("%s: %v executions counted, want %d", app, got, i+2)
		}
		families, err := after.ctx.GetMetricsRegistry().Gather()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range families {
			names = append(names, f.GetName())
		}
		for _, want := range []string{
			"caddy_flowtrux_executions_total", "caddy_flowtrux_execution_duration_seconds", "caddy_flowtrux_store_up",
			"caddy_flowtrux_store_revision", "caddy_flowtrux_executions_in_use", "caddy_flowtrux_sandbox_memory_bytes", "caddy_flowtrux_sandbox_memory_limit_bytes",
			"caddy_flowtrux_journal_pending", "caddy_flowtrux_journal_accepted_total",
		} {
			if !strings.Contains(strings.Join(names, " "), want) {
				t.Errorf("%s is not among the metrics", want)
			}
		}
	}
}

// TestFailingReload loads configs that fail at each possible step. The running config is not
// affected.
func TestFailingReload(t *testing.T) {
	r := run(t, `{}`)
	good := r.app()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, config := range map[string]func() error{
		"a limit":                              func() error { return r.load(`{"limits":{"body":-1}}`) },
		"a node":                               func() error { return r.load(`{"nodes":{"mine":{"file":"/does/not/exist.wasm"}}}`) },
		"an egress rule":                       func() error { return r.load(`{"egress":{"allow":["10.0.0.0/99"]}}`) },
		"a journal":                            func() error { return r.load(`{"journal":{"engine":"paper"}}`) },
		"memory that is too little for a call": func() error { return r.load(`{"limits":{"sandbox_memory":70000000}}`) },
		"an unknown key":                       func() error { return r.load(`{"limit":{}}`) },
		"another app": func() error {
			other := *r
			other.address = taken.Addr().String()
			return other.load(`{"limits":{"sandbox_memory":300000000}}`)
		},
	} {
		if err := config(); err == nil {
			t.Errorf("%s: the config was accepted", name)
		}
		if r.app() != good {
			t.Fatalf("%s: another app runs", name)
		}
		r.echo(`1`)
		checkReferences(t, 1)
		if u := good.budget.Usage(); u.Limit != good.Limits.SandboxMemory {
			t.Errorf("%s: the limit of memory is %d", name, u.Limit)
		}
	}
}

// TestRequestInFlight reloads while a request is being sent, and then removes the app from the
// config.
func TestRequestInFlight(t *testing.T) {
	for name, next := range map[string]func(r *running) error{
		"reload": func(r *running) error { return r.load(`{"limits":{"executions":9}}`) },
		"removal": func(*running) error {
			return caddy.Load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}},"logging":{"logs":{"default":{"writer":{"output":"discard"}}}}}`), true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, `{}`)
			old := r.app()
			gone := ended(old)
			conn, err := net.Dial("tcp", r.address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			body := `{"n":1}`
			fmt.Fprintf(conn, "POST /api/webhooks/echo HTTP/1.1\r\nHost: x\r\nX-Webhook-Signature: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
				to("echo", body).header.Get("X-Webhook-Signature"), len(body))
			answers := bufio.NewReader(conn)
			// the handler is reading, in the middle of the request
			line, err := answers.ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
				t.Fatalf("%q, %v", line, err)
			}
			if err := next(r); err != nil {
				t.Fatal(err)
			}
			select {
			case <-gone:
				t.Fatal("the old config was released during a request")
			default:
			}
			if _, err := answers.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(conn, body)
			resp, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			if resp.StatusCode != http.StatusOK || string(b) != `{"n":1,"_query":{}}` || err != nil {
				t.Errorf("%d %s, %v", resp.StatusCode, b, err)
			}
			<-gone
		})
	}
}

// TestMemoryJournalDrains: what waits in a memory journal runs before the last config is released,
// as nobody else can run it.
func TestMemoryJournalDrains(t *testing.T) {
	u := newUpstream(t)
	r := run(t, u.app(`,"journal":{"engine":"memory","accept_loss":true}`))
	s := site{t: t, app: r.app()}
	s.putWorkflow("echo", u.workflow(`{"maxConcurrent":1}`)) // in mode minimal
	const accepted = 4
	for range accepted {
		resp, err := r.post(`{}`)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
	}
	<-u.arrived // one runs, the others wait for its slot
	// Longer than a claimed execution waits for the slot of its workflow: then it is pending again.
	time.AfterFunc(500*time.Millisecond, func() { close(u.answer) })
	gone := ended(r.app())
	if err := caddy.Load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}},"logging":{"logs":{"default":{"writer":{"output":"discard"}}}}}`), true); err != nil {
		t.Fatal(err)
	}
	<-gone
	for n := 1; n < accepted; n++ {
		select {
		case <-u.arrived:
		default:
			t.Fatalf("%d of %d accepted executions ran", n, accepted)
		}
	}
}

// TestAccessLog checks that the request's line in the access log names the execution.
func TestAccessLog(t *testing.T) {
	r := run(t, `{}`)
	file := filepath.Join(t.TempDir(), "access.log")
	if err := caddy.Load(fmt.Appendf(nil, `{
		"admin": {"disabled": true, "config": {"persist": false}},
		"logging": {"logs": {
			"default": {"writer": {"output": "discard"}},
			"access": {"writer": {"output": "file", "roll": false, "filename": %q}, "include": ["http.log.access"]}
		}},
		"apps": {
			"flowtrux": %s,
			"http": {"servers": {"s": {
				"listen": [%q], "logs": {}, "automatic_https": {"disable": true},
				"routes": [{"handle": [{"handler": "flowtrux"}]}]
			}}}
		}
	}`, file, r.withStore(`{}`), r.address), true); err != nil {
		t.Fatal(err)
	}
	// The listener of the replaced config may still accept the connection, and has no log.
	eventually(t, "the request is in the access log, with its execution", func() bool {
		r.echo(`1`)
		log, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(log), `"execution_id":"exec-`) && strings.Contains(string(log), `"workflow":"echo"`)
	})
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
}

// TestGrace checks that the drain respects Caddy's grace period if there is one.
func TestGrace(t *testing.T) {
	r := run(t, `{}`)
	if got := r.app().grace(); got != time.Second {
		t.Errorf("grace %v with a grace period of 1s", got)
	}
	if got := newSite(t, `{}`, `{}`).app.grace(); got != drainTime {
		t.Errorf("grace %v without an HTTP app", got)
	}
}

// TestProcessLog checks that objects that outlive a config log according to the current config.
func TestProcessLog(t *testing.T) {
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	log := processLog("flowtrux.test").With(zap.String("kept", "field"))
	for _, name := range []string{"first", "second"} {
		file := filepath.Join(t.TempDir(), name)
		if err := caddy.Load(fmt.Appendf(nil, `{
			"admin": {"disabled": true, "config": {"persist": false}},
			"logging": {"logs": {"default": {"writer": {"output": "file", "roll": false, "filename": %q}, "level": "INFO"}}}
		}`, file), true); err != nil {
			t.Fatal(err)
		}
		log.Debug("too much")
		log.Info(name, zap.Int("n", 1))
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"msg":"` + name + `"`, `"logger":"flowtrux.test"`, `"kept":"field"`, `"n":1`} {
			if !strings.Contains(string(b), want) {
				t.Errorf("%s is not in the log of the %s config: %s", want, name, b)
			}
		}
		if strings.Contains(string(b), "too much") {
			t.Errorf("a line below the level: %s", b)
		}
	}
}

// TestStopReleasesAll stops Caddy.
func TestStopReleasesAll(t *testing.T) {
	r := run(t, `{}`)
	gone := ended(r.app())
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	<-gone
	checkReferences(t, 0)
}

// TestValidateTouchesNothing provisions a config as `caddy validate` does.
func TestValidateTouchesNothing(t *testing.T) {
	var config caddy.Config
	dir := t.TempDir() + "/etcd"
	if err := json.Unmarshal(fmt.Appendf(nil, `{"admin":{"disabled":true},"apps":{"flowtrux":{"store":{"engine":"embedded","dir":%q}}}}`, dir), &config); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&config); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the store's directory was made: %v", err)
	}
	checkReferences(t, 0)
}
