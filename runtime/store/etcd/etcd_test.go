package etcd_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/etcd"
	"github.com/flowtrux/edge/runtime/store/etcd/etcdtest"
	"github.com/flowtrux/edge/runtime/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// servers are the servers that everything here is tested with.
var servers = []struct {
	name  string
	start func(*testing.T) *etcdtest.Server
}{
	{"debian", etcdtest.Debian},
	{"current", etcdtest.Current},
}

// engine makes an engine by what connects it.
func engine(c etcd.Cluster, prefix string) store.Engine {
	return etcd.New(etcd.Config{
		Name: "etcd", Location: c.Location(), Prefix: prefix, Connect: c.Connect, MaxPause: 100 * time.Millisecond,
	})
}

func TestSuite(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Store {
				s := server.start(t)
				return storetest.Store{
					Engine: func(t *testing.T, prefix string) store.Engine {
						return engine(etcd.Cluster{Endpoints: []string{s.Address}}, prefix)
					},
					Compact: func(*testing.T) { s.Compact() },
					Stop: func(*testing.T) func() {
						s.Stop()
						return s.Start
					},
					Cuttable: func(t *testing.T, prefix string) (store.Engine, func() func()) {
						p := etcdtest.NewProxy(t, s.Address)
						return engine(etcd.Cluster{Endpoints: []string{p.Address}}, prefix), p.Cut
					},
				}
			})
		})
	}
}
