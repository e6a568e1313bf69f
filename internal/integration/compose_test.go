//go:build unix

package integration

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/internal/testports"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/store/etcd/etcdtest"
)

// contained is a Caddy process with a config of contrib, and the directories of its container.
type contained struct {
	t      *testing.T
	admin  string // host:port
	config string // file
	data   string // what the container has at /data
	cmd    *exec.Cmd
}

// newContained writes the config, with the addresses that pairs of old and new say.
func newContained(t *testing.T, file string, pairs ...string) *contained {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "contrib", file))
	if err != nil {
		t.Fatal(err)
	}
	c := &contained{t: t, admin: testports.Address(t), config: filepath.Join(t.TempDir(), "Caddyfile"), data: t.TempDir()}
	pairs = append(pairs, "localhost:2019", c.admin)
	if err := os.WriteFile(c.config, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *contained) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = c.t.TempDir()
	cmd.Env = append(os.Environ(), childCaddy+"=1", "CADDY_ADMIN="+c.admin, "XDG_DATA_HOME="+c.data, "HOME="+cmd.Dir,
		"XDG_CONFIG_HOME="+filepath.Join(cmd.Dir, "config"), "TMPDIR="+cmd.Dir)
	return cmd
}

// run starts the server, which is killed at the end of the test.
func (c *contained) run() {
	c.t.Helper()
	var log bytes.Buffer
	c.cmd = c.command("run", "--config", c.config)
	c.cmd.Stdout, c.cmd.Stderr = &log, &log
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		c.kill()
		if c.t.Failed() {
			c.t.Logf("%s said:\n%s", c.config, log.String())
		}
		// The root file system is read-only.
		if left, err := os.ReadDir(c.cmd.Dir); err != nil || len(left) > 0 {
			c.t.Errorf("the server has written outside of its data directory: %v, %v", left, err)
		}
	})
}

// kill is idempotent.
func (c *contained) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// ready runs the health check.
func (c *contained) ready() bool { return c.command("flowtrux", "status", "--ready").Run() == nil }

// TestImage runs the commands of the Dockerfile with its config: after warm the server starts, is
// healthy, and writes nothing but its data.
func TestImage(t *testing.T) {
	site, metrics := freePorts(t)
	c := newContained(t, "image/Caddyfile", ":8080", site, ":9180", metrics)
	if err := compiled.Link(c.data); err != nil {
		t.Fatal(err)
	}
	if c.ready() {
		t.Error("it is healthy before it runs")
	}
	if out, err := c.command("flowtrux", "warm", c.config).CombinedOutput(); err != nil || !strings.Contains(string(out), "transform") {
		t.Fatalf("warm: %v\n%s", err, out)
	}
	c.run()
	eventually(t, "the image is healthy", c.ready)
	for url, want := range map[string]string{
		"http://127.0.0.1" + metrics + "/metrics":             "caddy_flowtrux_journal_up 1",
		"http://127.0.0.1" + site + "/api/webhooks/not-there": "workflow_not_found",
	} {
		if _, body := fetch(t, url); !strings.Contains(body, want) {
			t.Errorf("%s: %s", url, body)
		}
	}
}

// TestCompose runs the configs of the Compose file as processes: three edges, etcd, PostgreSQL and
// the balancer. Senders reach nothing but webhooks. When an edge is killed, the balancer notices it
// by one request at most: that on the connection to the edge that it had kept. The others run what
// the edge had accepted.
func TestCompose(t *testing.T) {
	shared := startShared(t)
	cluster := shared.cluster
	target := recording(t)
	put(cluster, "/flowtrux/workflows/live", echo("lastNode"), "/flowtrux/secrets/live", secret,
		"/flowtrux/workflows/held", holding(target, "call"), "/flowtrux/secrets/held", secret)
	site, health := freePorts(t)
	var edges []*contained
	for n := range 3 {
		edges = append(edges, shared.edge(t, n, site, health, fmt.Sprintf("egress {\n\t\t\tallow %s\n\t\t}", target.Address)+patientLimits))
	}
	for n, e := range edges {
		eventually(t, fmt.Sprintf("edge %d is healthy", n+1), e.ready)
	}
	s := &server{t: t, site: testports.Address(t), client: &http.Client{}}
	_, port, err := net.SplitHostPort(s.site)
	if err != nil {
		t.Fatal(err)
	}
	balancer := newContained(t, "compose/balancer.Caddyfile", "edge1:8080", edgeHost(0)+site, "edge2:8080", edgeHost(1)+site, "edge3:8080", edgeHost(2)+site,
		"http://:8080", "http://:"+port, "health_port 9180", "health_port "+health[1:])
	balancer.run()

	eventually(t, "a response through the balancer", func() bool {
		a, err := s.tryPost("/api/webhooks/live", `{}`)
		return err == nil && a.status == http.StatusOK
	})
	eventually(t, "all edges have run executions", func() bool {
		s.post("/api/webhooks/live", `{}`)
		for n := range edges {
			if _, body := fetch(t, "http://"+edgeHost(n)+health+"/metrics"); !strings.Contains(body, `caddy_flowtrux_executions_total{`) {
				return false
			}
		}
		return true
	})
	for _, path := range []string{"/", "/metrics", "/ready", "/flowtrux/status"} {
		if status, body := fetch(t, "http://"+s.site+path); status != http.StatusNotFound || body != "" {
			t.Errorf("senders reach %s: %d %s", path, status, body)
		}
	}

	first := &server{t: t, site: edgeHost(0) + site, client: s.client}
	var accepted []string
	for range 6 {
		for _, by := range []*server{first, s} {
			a := by.post("/api/webhooks/held", `{}`)
			if a.status != http.StatusOK {
				t.Fatalf("accepting: %d %s", a.status, a.body)
			}
			accepted = append(accepted, a.header.Get("X-Execution-Id"))
		}
	}
	stuck, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range accepted {
		must(t, target.WaitHolding(stuck.Done()))
	}
	edges[0].kill()
	statuses := make(map[int]int)
	for range 30 {
		statuses[s.post("/api/webhooks/live", `{}`).status]++
	}
	if ok, lost := statuses[http.StatusOK], statuses[http.StatusBadGateway]; ok+lost != 30 || lost > 1 {
		t.Errorf("after an edge was killed, responses were %v", statuses)
	}
	target.ReleaseAll()
	checkEnded(t, &server{t: t, admin: edges[1].admin, client: s.client}, accepted)
	for _, e := range edges[1:] {
		e.kill() // the target counts calls of connections that are closed
	}
	again := 0
	for _, n := range target.Calls() {
		if n > 1 {
			again++
		}
	}
	if again == 0 {
		t.Error("no call of the edge that was killed was made again")
	}
}

// shared is what the edges of the Compose file share.
type shared struct {
	cluster  *etcdtest.Server
	database *pgtest.Server
	password string // file
}

func startShared(t *testing.T) *shared {
	t.Helper()
	s := &shared{cluster: etcdtest.Debian(t)}
	s.database, s.password = composeDatabase(t)
	return s
}

// edge starts an edge with the config of the Compose file, on an address of its own. The ports have
// a colon before them.
func (s *shared) edge(t *testing.T, n int, site, health, options string) *contained {
	t.Helper()
	e := newContained(t, "compose/edge.Caddyfile", "etcd:2379", s.cluster.Address, "http://:8080", "http://"+site, "http://:9180", "http://"+health,
		"persist_config off", "persist_config off\n\tdefault_bind "+edgeHost(n),
		"postgres:5432", fmt.Sprintf("127.0.0.1:%d", s.database.Port), "/run/secrets/postgres", s.password,
		"sslmode=disable", "sslmode=disable {\n\t\t\tlease 2s\n\t\t}",
		"flowtrux {", fmt.Sprintf("flowtrux {\n\t\tmachine edge%d\n\t\t%s", n+1, options))
	if err := compiled.Link(e.data); err != nil {
		t.Fatal(err)
	}
	e.run()
	return e
}

// composeDatabase runs a PostgreSQL that postgres.sql has set up, as the image does it, and returns
// the file with the password of the edges.
func composeDatabase(t *testing.T) (s *pgtest.Server, password string) {
	t.Helper()
	s, err := pgtest.Start()
	must(t, err)
	t.Cleanup(func() { must(t, s.Stop()) })
	dir := t.TempDir()
	password = filepath.Join(dir, "postgres.secret")
	must(t, os.WriteFile(password, []byte("it's a $ecret\n"), 0o600))
	text, err := os.ReadFile(filepath.Join(root(t), "contrib", "compose", "postgres.sql"))
	must(t, err)
	script := filepath.Join(dir, "postgres.sql")
	must(t, os.WriteFile(script, []byte(strings.ReplaceAll(string(text), "/run/secrets/postgres", password)), 0o600))
	out, err := exec.CommandContext(t.Context(), "psql", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--file="+script, s.Connection()).CombinedOutput()
	if err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
	must(t, s.DemandPasswords())
	return s, password
}

// checkEnded checks, on another machine, that what was accepted has ended well.
func checkEnded(t *testing.T, s *server, accepted []string) {
	t.Helper()
	machines := make(map[string]int)
	for _, id := range accepted {
		machines[s.record(id, journal.Succeeded).Machine]++
	}
	if machines["edge1"] < len(accepted)/2 {
		t.Errorf("accepted by %v", machines)
	}
}

// edgeHost is where an edge listens: each has its own loopback address, as each container has.
func edgeHost(n int) string { return fmt.Sprintf("127.0.1.%d", n+1) }

// freePorts returns two ports, each with a colon before it.
func freePorts(t *testing.T) (first, second string) {
	t.Helper()
	return strings.TrimPrefix(testports.Address(t), "127.0.0.1"), strings.TrimPrefix(testports.Address(t), "127.0.0.1")
}

func fetch(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}
