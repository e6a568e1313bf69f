// Package testports reserves loopback ports for servers that tests and benchmarks start by their
// address.
//
// A port that a listener on port 0 got and gave back is not reserved: the system may give it to
// another process before the server listens. Nobody may notice. Caddy listens with SO_REUSEPORT, on
// all addresses, so another Caddy that listens on the loopback address of that port gets the
// requests.
package testports

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
)

// The ports are below those that Linux, BSD and macOS choose for port 0, and above those that
// services commonly have.
const (
	lowest  = 10_000
	highest = 32_000
)

// attempts is the number of ports that Reserve tries.
const attempts = 1000

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// locks retains the locks of this process: one that is collected is released.
var locks struct {
	sync.Mutex
	held []*net.UDPConn
}

// Reserve returns an address of 127.0.0.1 on which nothing listens. Until this process ends, no
// other call in any process returns it. The system does not choose its port for port 0. It is safe
// for concurrent use.
func Reserve() (netip.AddrPort, error) {
	top := highest
	if chosen := firstChosen(); chosen > lowest+attempts {
		top = min(top, chosen)
	}
	for range attempts {
		// Ports are even. The UDP port behind each is its lock, which the system releases with the
		// process.
		port := lowest + 2*rand.N((top-lowest)/2)
		lock, err := net.ListenUDP("udp4", &net.UDPAddr{IP: loopback.AsSlice(), Port: port + 1})
		if err != nil {
			continue
		}
		if isFree(port) {
			locks.Lock()
			locks.held = append(locks.held, lock)
			locks.Unlock()
			return netip.AddrPortFrom(loopback, uint16(port)), nil
		}
		lock.Close()
	}
	return netip.AddrPort{}, fmt.Errorf("no free port: %d between %d and %d were tried", attempts, lowest, top)
}

// TB is the part of testing.TB that Address needs.
type TB interface {
	Helper()
	Fatal(args ...any)
}

// Address returns a reserved address as text.
func Address(t TB) string {
	t.Helper()
	address, err := Reserve()
	if err != nil {
		t.Fatal(err)
	}
	return address.String()
}

// isFree reports whether nothing listens on a port, on any address.
func isFree(port int) bool {
	for _, network := range []string{"tcp4", "tcp6"} {
		l, err := net.ListenTCP(network, &net.TCPAddr{Port: port})
		switch {
		case err == nil:
			l.Close()
		case network == "tcp6" && !errors.Is(err, syscall.EADDRINUSE):
			// There is no IPv6.
		default:
			return false
		}
	}
	return true
}

// firstChosen returns the lowest port that Linux chooses for port 0, or 0 if it does not say.
func firstChosen() (port int) {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0
	}
	if _, err := fmt.Sscan(string(b), &port); err != nil {
		return 0
	}
	return port
}
