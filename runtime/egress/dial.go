package egress

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// guard dials for the transport.
type guard struct {
	rules
	resolver *net.Resolver // nil = the system's
}

// refusedError is the error for an address that was not dialed, with the reason. It is for logs.
type refusedError struct {
	host   string
	to     netip.AddrPort
	reason string
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("%s (%s) refused: %s", e.to, e.host, e.reason)
}

// dial connects to host:port. The check is in the dialer's control function, which gets each
// resolved address right before the connection is started. No time passes between the check and the
// use, and the dialer can still try several addresses of a name.
func (g *guard) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	host = canonicalHost(host)
	d := net.Dialer{Timeout: dialTimeout, Resolver: g.resolver}
	d.ControlContext = func(ctx context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("parsing the address to dial: %w", err)
		}
		if reason := g.check(ctx, host, to); reason != "" {
			return &refusedError{host, to, reason}
		}
		return nil
	}
	return d.DialContext(ctx, "tcp", address)
}

// check returns why an address must not be dialed, "" if it may. host is the requested name or
// address.
func (g *guard) check(ctx context.Context, host string, to netip.AddrPort) string {
	a, port := to.Addr().Unmap(), to.Port()
	if a.IsUnspecified() {
		return "unspecified address" // the kernel would use loopback
	}
	if g.exact(host, a, port) {
		return ""
	}
	all := append(embedded(a), a)
	for _, x := range all {
		if reason := g.refused(ctx, x, port); reason != "" {
			return reason
		}
	}
	if g.hosts[host] {
		return ""
	}
	for _, x := range all {
		if !public(x) && !within(x, g.prefixes) {
			return x.String() + " is not public and not allowed"
		}
	}
	return ""
}

// refused returns whether an address leads to one of Rules.Refuse, as a reason; "" if it does not.
// If that cannot be determined, it counts as refused.
func (g *guard) refused(ctx context.Context, a netip.Addr, port uint16) string {
	for _, e := range g.refuse {
		if e.port != port {
			continue
		}
		var match bool
		var err error
		switch {
		case e.addr.IsValid():
			match = e.addr == a
		case e.name == "localhost":
			match = a.IsLoopback()
		case e.name != "":
			match, err = g.resolves(ctx, e.name, a)
		default:
			match, err = local(a)
		}
		if err != nil {
			return "cannot be distinguished from a refused service: " + err.Error()
		}
		if match {
			return "a refused service"
		}
	}
	return ""
}

func (g *guard) resolves(ctx context.Context, name string, a netip.Addr) (bool, error) {
	list, err := g.lookup().LookupNetIP(ctx, "ip", name)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(list, func(b netip.Addr) bool { return b.Unmap() == a }), nil
}

func (g *guard) lookup() *net.Resolver {
	if g.resolver != nil {
		return g.resolver
	}
	return net.DefaultResolver
}

// local reports whether an address belongs to this machine.
func local(a netip.Addr) (bool, error) {
	if a.IsLoopback() {
		return true, nil
	}
	list, err := net.InterfaceAddrs()
	if err != nil {
		return false, fmt.Errorf("listing the addresses of this machine: %w", err)
	}
	return slices.ContainsFunc(list, func(n net.Addr) bool {
		p, err := netip.ParsePrefix(n.String())
		return err == nil && p.Addr().Unmap() == a
	}), nil
}
