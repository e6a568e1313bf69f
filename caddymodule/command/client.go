package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"
)

// maxAnswer bounds what is read from the admin endpoint, in bytes.
const maxAnswer = 64 << 20

// addressFlag and jsonFlag are on every command that asks a running server.
func serverFlags(c *cobra.Command) *cobra.Command {
	c.Flags().String("address", caddy.DefaultAdminListen, "Address of Caddy's admin endpoint")
	jsonFlag(c)
	return c
}

func jsonFlag(c *cobra.Command) *cobra.Command {
	c.Flags().Bool("json", false, "Print JSON, for programs")
	return c
}

// client talks to the admin endpoint of a running Caddy.
type client struct {
	http    *http.Client
	origin  string
	address string
}

func newClient(c *cobra.Command) (*client, error) {
	address := text(c, "address")
	parsed, err := caddy.ParseNetworkAddress(address)
	tcp := strings.HasPrefix(parsed.Network, "tcp") && parsed.StartPort > 0
	if err != nil || parsed.PortRangeSize() > 1 || !tcp && !parsed.IsUnixNetwork() {
		return nil, fmt.Errorf("--address %q is not one address, such as localhost:2019 or unix//run/caddy.sock", address)
	}
	if tcp && parsed.Host == "" { // as in `admin :2019`
		parsed.Host = "localhost"
	}
	// Caddy's admin endpoint checks Host and Origin; over a socket it wants a loopback name.
	origin := "http://127.0.0.1"
	if tcp {
		origin = "http://" + parsed.JoinHostPort(0)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, parsed.Network, parsed.JoinHostPort(0))
	}
	return &client{
		http:    &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}},
		origin:  origin,
		address: address,
	}, nil
}

// problem is one thing wrong with a document, as the admin API says it.
type problem struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// refusal is an answer of the admin API that is not a success.
type refusal struct {
	Status   int
	Message  string    `json:"error"`
	Problems []problem `json:"problems"`
}

func (r *refusal) Error() string {
	if r.Message == "" {
		return fmt.Sprintf("the server answered HTTP %d", r.Status)
	}
	return r.Message
}

// resource is the path of what has a name. A name that a path cannot carry is refused here: the
// server would see another one, or none.
func resource(kind, name string) (string, error) {
	if name == "" {
		return "", errors.New("the name is empty")
	}
	if whole := "/" + name; path.Clean(whole) != whole {
		return "", fmt.Errorf("%q cannot be a name", name)
	}
	return kind + "/" + url.PathEscape(name), nil
}

// do sends one request below AdminBase and returns the answer's body.
func (cl *client) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, cl.origin+AdminBase+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Origin", cl.origin)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := cl.http.Do(req)
	if err != nil {
		if opErr := (*net.OpError)(nil); errors.As(err, &opErr) && opErr.Op == "dial" {
			return nil, fmt.Errorf("no Caddy answers at %s (%w); start it with `caddy run`, or name its admin endpoint with --address", cl.address, opErr.Err)
		}
		return nil, fmt.Errorf("asking the server: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the server's answer: %w", err)
	}
	if resp.StatusCode >= 400 {
		r := &refusal{Status: resp.StatusCode}
		if json.Unmarshal(answer, r) != nil && resp.StatusCode == http.StatusNotFound {
			r.Message = "the server at " + cl.address + " has no FlowTrux Edge: put the `flowtrux` directive in its Caddyfile"
		}
		return nil, r
	}
	return answer, nil
}

// get asks for path and decodes the answer into v.
func (cl *client) get(ctx context.Context, path string, v any) error {
	b, err := cl.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("reading the server's answer: %w", err)
	}
	return nil
}
