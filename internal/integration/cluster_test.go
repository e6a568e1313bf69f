package integration

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// etcd is a real etcd server process.
type etcd struct {
	t         *testing.T
	dir       string
	client    string // host:port
	peer      string
	cmd       *exec.Cmd
	keyValues *clientv3.Client
}

func startEtcd(t *testing.T) *etcd {
	t.Helper()
	e := &etcd{t: t, dir: filepath.Join(t.TempDir(), "etcd"), client: freeAddress(t), peer: freeAddress(t)}
	e.run()
	kv, err := clientv3.New(clientv3.Config{Endpoints: []string{e.client}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	e.keyValues = kv
	t.Cleanup(func() {
		_ = kv.Close()
		e.stop()
	})
	return e
}

func (e *etcd) run() {
	e.t.Helper()
	binary, err := exec.LookPath("etcd")
	if err != nil {
		e.t.Fatal("no etcd server to test against: install Debian's etcd-server (apt-get install etcd-server)")
	}
	e.cmd = exec.Command(binary,
		"--data-dir", e.dir,
		"--listen-client-urls", "http://"+e.client, "--advertise-client-urls", "http://"+e.client,
		"--listen-peer-urls", "http://"+e.peer, "--initial-advertise-peer-urls", "http://"+e.peer,
		"--initial-cluster", "default=http://"+e.peer)
	e.cmd.Env = append(os.Environ(), "ETCD_UNSUPPORTED_ARCH=")
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
}

// stop ends the process that run started.
func (e *etcd) stop() {
	if e.cmd == nil {
		return
	}
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	_ = e.cmd.Wait()
	e.cmd = nil
}

// put writes pairs of key and value, as etcdctl put would.
func (e *etcd) put(pairs ...string) {
	e.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		e.do("putting", func(ctx context.Context) error {
			_, err := e.keyValues.Put(ctx, pairs[i], pairs[i+1])
			return err
		})
	}
}

func (e *etcd) del(key string) {
	e.t.Helper()
	e.do("deleting", func(ctx context.Context) error {
		_, err := e.keyValues.Delete(ctx, key)
		return err
	})
}

func (e *etcd) do(what string, f func(context.Context) error) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), 20*time.Second)
	defer cancel()
	if err := f(ctx); err != nil {
		e.t.Fatalf("%s: %v", what, err)
	}
}

func TestClusterServesWhatIsPutWithoutAReload(t *testing.T) {
	cluster := startEtcd(t)
	s := start(t)
	conf := s.caddyfile("store etcd "+cluster.client, "")
	s.load(conf)

	status := func(want int) func() bool {
		return func() bool {
			a, err := s.tryPost("/api/webhooks/live", `{"n":1}`)
			return err == nil && a.status == want
		}
	}
	eventually(t, "an empty store answers 404", status(http.StatusNotFound))

	cluster.put("/flowtrux/workflows/live", echo("lastNode"), "/flowtrux/secrets/live", secret+"\n")
	eventually(t, "the put workflow serves", status(http.StatusOK))
	sameJSON(t, s.post("/api/webhooks/live?source=crm", `{"n":1}`).body, `{"got":{"n":1,"_query":{"source":"crm"}}}`)

	// A document that does not validate leaves the last valid one serving and shows up in the status.
	cluster.put("/flowtrux/workflows/live", `{"nodes":[]}`)
	eventually(t, "the status names the invalid document", func() bool {
		return containsAll(s.ask(http.MethodGet, "status", "").body, `"workflows/live"`, `"stale": 1`)
	})
	if a := s.post("/api/webhooks/live", `{"n":2}`); a.status != http.StatusOK {
		t.Errorf("with an invalid newer document: %d %s", a.status, a.body)
	}
	cluster.put("/flowtrux/workflows/live", echo("allNodes"))
	eventually(t, "the mended document serves", func() bool {
		return containsAll(s.post("/api/webhooks/live", `{"n":3}`).body, `"name"`)
	})

	// The cluster goes away: what is known serves on, also in a new process; then it catches up.
	cluster.stop()
	if a := s.post("/api/webhooks/live", `{"n":4}`); a.status != http.StatusOK {
		t.Errorf("without etcd: %d %s", a.status, a.body)
	}
	s.stop()
	s.load(conf)
	eventually(t, "serves from the cache after a restart", status(http.StatusOK))
	eventually(t, "the status says that the store is away", func() bool {
		return containsAll(s.ask(http.MethodGet, "status", "").body, `"state": "cached"`)
	})
	cluster.run()
	cluster.del("/flowtrux/workflows/live")
	eventually(t, "the deleted workflow is gone once etcd is back", status(http.StatusNotFound))
}
