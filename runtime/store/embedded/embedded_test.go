package embedded

import (
	"context"
	"os"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.uber.org/goleak"

	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(damagedDir); dir != "" {
		os.Exit(openDamaged(dir))
	}
	goleak.VerifyTestMain(m)
}

func TestSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store {
		servers, dir := new(Servers), t.TempDir()
		return storetest.Store{
			Engine: func(t *testing.T, prefix string) store.Engine {
				e, err := New(Options{Servers: servers, Dir: dir, Prefix: prefix})
				if err != nil {
					t.Fatal(err)
				}
				return e
			},
			Compact: func(t *testing.T) { compact(t, servers.byDir[dir]) },
		}
	})
}

// compact makes a server forget its history.
func compact(t *testing.T, s *server) {
	t.Helper()
	c := v3client.New(s.etcd.Server)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
	defer cancel()
	now, err := c.Get(ctx, "/", clientv3.WithCountOnly())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Compact(ctx, now.Header.GetRevision()); err != nil {
		t.Fatal(err)
	}
}
