// Package netproxy has a TCP proxy on loopback that can separate clients from their server, for
// tests of what happens without a network.
package netproxy

import (
	"net"
	"sync"
)

// Proxy connects clients with a server, and can separate them. Its methods are safe for concurrent
// use.
type Proxy struct {
	Address string // host:port

	listener net.Listener
	work     sync.WaitGroup

	mu     sync.Mutex
	target string // "" = cut
	conns  map[net.Conn]bool
	thawed chan struct{} // closed while bytes flow
}

// Start starts a proxy to an address; "" = to none.
func Start(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{Address: l.Addr().String(), listener: l, target: target, conns: make(map[net.Conn]bool), thawed: make(chan struct{})}
	close(p.thawed)
	p.work.Go(p.accept)
	return p, nil
}

// Close ends the proxy and all connections.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.Redirect("")
	p.thaw()
	p.work.Wait()
}

// Redirect closes all connections, and connects new ones to another server; "" = to none.
func (p *Proxy) Redirect(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

// Cut separates client and server until reconnect is called.
func (p *Proxy) Cut() (reconnect func()) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	p.Redirect("")
	return func() { p.Redirect(target) }
}

// Freeze leaves all connections open but passes on no bytes until thaw is called.
func (p *Proxy) Freeze() (thaw func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thawed = make(chan struct{})
	return p.thaw
}

func (p *Proxy) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.thawed:
	default:
		close(p.thawed)
	}
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.connect(c)
	}
}

// connect connects a client with the current server.
func (p *Proxy) connect(client net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.target == "" {
		_ = client.Close()
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		p.conns[pair[0]] = true
		p.work.Go(func() {
			p.copy(pair[0], pair[1])
			_ = pair[0].Close()
			_ = pair[1].Close()
			p.forget(pair[0])
		})
	}
}

// forget drops a connection that has ended.
func (p *Proxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// copy copies bytes from one connection to the other until either ends.
func (p *Proxy) copy(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		thawed := p.thawed
		p.mu.Unlock()
		<-thawed
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
