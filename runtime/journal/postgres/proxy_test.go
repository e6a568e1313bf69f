//go:build unix

package postgres

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
)

// proxy forwards connections to a server until it is cut: then bytes go nowhere, and nobody is
// told.
type proxy struct {
	port int
	to   string

	mu     sync.Mutex
	cut    bool
	conns  []net.Conn
	silent int // conns before this one are
}

func newProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{port: l.Addr().(*net.TCPAddr).Port, to: to}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { p.forward(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.setCut(false)
		work.Wait()
	})
	return p
}

func (p *proxy) forward(c net.Conn) {
	defer c.Close()
	s, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer s.Close()
	p.mu.Lock()
	p.conns = append(p.conns, c, s)
	p.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{c, s}, {s, c}} {
		both.Go(func() {
			io.Copy(gate{p, way[1]}, way[0])
			way[1].Close()
		})
	}
	both.Wait()
}

// gate swallows what is written while the proxy is cut.
type gate struct {
	p  *proxy
	to net.Conn
}

func (g gate) Write(b []byte) (int, error) {
	g.p.mu.Lock()
	cut := g.p.cut || slices.Contains(g.p.conns[:g.p.silent], g.to)
	g.p.mu.Unlock()
	if cut {
		return len(b), nil
	}
	return g.to.Write(b)
}

// heal repairs the network for new connections. Those of before stay silent, as if a firewall had
// forgotten them.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent, p.cut = len(p.conns), false
}

// setCut cuts the network, or repairs it: connections of before are dead then.
func (p *proxy) setCut(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if !cut {
		for _, c := range p.conns {
			c.Close()
		}
		p.conns, p.silent = nil, 0
	}
}
