package etcd

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// CheckEndpoint checks an endpoint. etcd's client accepts anything, and then never connects.
func CheckEndpoint(endpoint string) error {
	// without the password
	if at := strings.LastIndex(endpoint, "@"); at >= 0 && !strings.HasPrefix(endpoint, "unix:") {
		return fmt.Errorf("endpoint '…%s': it has a user, which username and password name", endpoint[at:])
	}
	if err := checkEndpoint(endpoint); err != nil {
		return fmt.Errorf("endpoint '%s': %w", endpoint, err)
	}
	return nil
}

func checkEndpoint(endpoint string) error {
	if path, ok := strings.CutPrefix(endpoint, "unix:"); ok {
		if strings.Trim(path, "/") == "" {
			return errors.New("it has no path")
		}
		return nil
	}
	address := endpoint
	if scheme, rest, ok := strings.Cut(endpoint, "://"); ok {
		if scheme != "http" && scheme != "https" {
			return errors.New("it takes http://, https:// or unix:, or no scheme")
		}
		address = strings.TrimSuffix(rest, "/")
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("it takes host:port, such as 127.0.0.1:2379")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("'%s' is not a port", port)
	}
	if _, err := netip.ParseAddr(host); err != nil && (host == "" || strings.ContainsFunc(host, notHost)) {
		return fmt.Errorf("'%s' is not a host", host)
	}
	return nil
}

// notHost reports whether a rune cannot be in a host name.
func notHost(r rune) bool {
	return r != '-' && r != '.' && r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
}
