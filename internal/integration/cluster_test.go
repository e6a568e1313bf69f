package integration

import (
	"context"
	"net/http"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/flowtrux/edge/runtime/store/etcd/etcdtest"
)

// put writes pairs of key and value, as etcdctl put does.
func put(s *etcdtest.Server, pairs ...string) {
	s.Do("putting", func(ctx context.Context, c *clientv3.Client) (err error) {
		for i := 0; i < len(pairs) && err == nil; i += 2 {
			_, err = c.Put(ctx, pairs[i], pairs[i+1])
		}
		return err
	})
}

func del(s *etcdtest.Server, key string) {
	s.Do("deleting", func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Delete(ctx, key)
		return err
	})
}

func TestClusterServesWhatIsPutWithoutAReload(t *testing.T) {
	cluster := etcdtest.Debian(t)
	s := start(t)
	conf := s.caddyfile("store etcd "+cluster.Address, "")
	s.load(conf)

	status := func(want int) func() bool {
		return func() bool {
			a, err := s.tryPost("/api/webhooks/live", `{"n":1}`)
			return err == nil && a.status == want
		}
	}
	eventually(t, "an empty store answers 404", status(http.StatusNotFound))

	put(cluster, "/flowtrux/workflows/live", echo("lastNode"), "/flowtrux/secrets/live", secret+"\n")
	eventually(t, "the put workflow serves", status(http.StatusOK))
	sameJSON(t, s.post("/api/webhooks/live?source=crm", `{"n":1}`).body, `{"got":{"n":1,"_query":{"source":"crm"}}}`)

	// An invalid document leaves the last valid one serving and appears in the status.
	put(cluster, "/flowtrux/workflows/live", `{"nodes":[]}`)
	eventually(t, "the status names the invalid document", func() bool {
		return containsAll(s.ask(http.MethodGet, "status", "").body, `"workflows/live"`, `"stale": 1`)
	})
	if a := s.post("/api/webhooks/live", `{"n":2}`); a.status != http.StatusOK {
		t.Errorf("with an invalid newer document: %d %s", a.status, a.body)
	}
	put(cluster, "/flowtrux/workflows/live", echo("allNodes"))
	eventually(t, "the corrected document serves", func() bool {
		return containsAll(s.post("/api/webhooks/live", `{"n":3}`).body, `"name"`)
	})

	// While the cluster is away, the known workflows continue to serve, also in a new process. Then
	// the mirror catches up.
	cluster.Stop()
	if a := s.post("/api/webhooks/live", `{"n":4}`); a.status != http.StatusOK {
		t.Errorf("without etcd: %d %s", a.status, a.body)
	}
	s.stop()
	s.load(conf)
	eventually(t, "serves from the cache after a restart", status(http.StatusOK))
	eventually(t, "the status says that the store is unavailable", func() bool {
		return containsAll(s.ask(http.MethodGet, "status", "").body, `"state": "cached"`)
	})
	cluster.Start()
	del(cluster, "/flowtrux/workflows/live")
	eventually(t, "the deleted workflow is gone once etcd is back", status(http.StatusNotFound))
}

// A broken document that arrives while no server runs must not take the webhook down. The cache
// contains the version before it, whether etcd is available when the server starts or comes back
// later.
func TestABrokenDocumentThatArrivesBetweenTwoStarts(t *testing.T) {
	cluster := etcdtest.Debian(t)
	s := start(t)
	conf := s.caddyfile("store etcd "+cluster.Address, "")
	s.load(conf)
	put(cluster, "/flowtrux/workflows/live", echo("lastNode"), "/flowtrux/secrets/live", secret)
	serves := func() bool {
		a, err := s.tryPost("/api/webhooks/live", `{"n":1}`)
		return err == nil && a.status == http.StatusOK
	}
	stale := func() bool {
		return containsAll(s.ask(http.MethodGet, "status", "").body, `"state": "live"`, `"stale": 1`)
	}
	eventually(t, "the put workflow serves", serves)
	s.stop()

	put(cluster, "/flowtrux/workflows/live", `{"broken":`)
	for range 2 { // the second start finds the broken document in the cache, next to the valid one
		s.load(conf)
		eventually(t, "the status names the broken document", stale)
		s.loaded()
		if a := s.post("/api/webhooks/live", `{"n":1}`); a.status != http.StatusOK {
			t.Errorf("with a broken document from before the start: %d %s", a.status, a.body)
		}
		s.stop()
	}

	put(cluster, "/flowtrux/workflows/live", `{"broken again":`)
	cluster.Stop()
	s.load(conf)
	eventually(t, "the last valid version serves from the cache", serves)
	cluster.Start()
	eventually(t, "the store is followed again", stale)
	if a := s.post("/api/webhooks/live", `{"n":1}`); a.status != http.StatusOK {
		t.Errorf("with a broken document that was found later: %d %s", a.status, a.body)
	}
}
