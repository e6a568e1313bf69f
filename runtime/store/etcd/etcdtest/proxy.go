package etcdtest

import (
	"testing"

	"github.com/flowtrux/edge/internal/netproxy"
)

// NewProxy starts a proxy to an address, which ends with the test.
func NewProxy(t *testing.T, target string) *netproxy.Proxy {
	t.Helper()
	p, err := netproxy.Start(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}
