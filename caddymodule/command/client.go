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

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// maxResponse is the maximum size of a response of the admin endpoint, in bytes.
const maxResponse = 64 << 20

// client talks to the admin endpoint of a running Caddy.
type client struct {
	http    *http.Client
	origin  string
	address string
}

// client returns a client for the address in --address.
func (o *serverOptions) client() (*client, error) {
	parsed, err := caddy.ParseNetworkAddress(o.address)
	tcp := strings.HasPrefix(parsed.Network, "tcp") && parsed.StartPort > 0
	if err != nil || parsed.PortRangeSize() > 1 || !tcp && !parsed.IsUnixNetwork() {
		return nil, fmt.Errorf("--address %q is not a single address, such as localhost:2019 or unix//run/caddy.sock", o.address)
	}
	if tcp && parsed.Host == "" { // as in `admin :2019`
		parsed.Host = "localhost"
	}
	// Caddy's admin endpoint checks Host and Origin. Over a socket it requires a loopback name.
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
		address: o.address,
	}, nil
}

// apiError is an error response of the admin API.
type apiError struct {
	status int
	body   adminapi.Error
}

func (e *apiError) Error() string {
	if e.body.Message == "" {
		return fmt.Sprintf("the server responded with HTTP %d", e.status)
	}
	return e.body.Message
}

// resource returns the path of a named resource. It rejects names that a path cannot carry: the
// server would see another name, or none.
func resource(kind, name string) (string, error) {
	if name == "" {
		return "", errors.New("the name is empty")
	}
	if whole := "/" + name; path.Clean(whole) != whole {
		return "", fmt.Errorf("%q cannot be a name", name)
	}
	return kind + "/" + url.PathEscape(name), nil
}

// do sends a request to a path below adminapi.Base and returns the response's body. The error is an
// *apiError if the server reports one.
func (cl *client) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, cl.origin+adminapi.Base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Origin", cl.origin)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := cl.http.Do(req)
	if err != nil {
		return nil, cl.unreachable(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse))
	if err != nil {
		return nil, responseError(err)
	}
	if resp.StatusCode >= 400 {
		e := &apiError{status: resp.StatusCode}
		if json.Unmarshal(b, &e.body) != nil {
			e = cl.failure(resp.StatusCode)
		}
		return nil, e
	}
	return b, nil
}

// unreachable is the error of a request that got no response.
func (cl *client) unreachable(err error) error {
	if opErr := (*net.OpError)(nil); errors.As(err, &opErr) && opErr.Op == "dial" {
		return fmt.Errorf("no Caddy responds at %s (%w); start it with `caddy run`, or name its admin endpoint with --address", cl.address, opErr.Err)
	}
	return fmt.Errorf("sending the request to the server: %w", err)
}

// failure is an error response that is not the API's: there may be none.
func (cl *client) failure(status int) *apiError {
	e := &apiError{status: status}
	if status == http.StatusNotFound {
		e.body.Message = "the server at " + cl.address + " has no FlowTrux Edge: add the `flowtrux` directive to its Caddyfile"
	}
	return e
}

// get requests a path and decodes the response into v.
func (cl *client) get(ctx context.Context, path string, v any) error {
	b, err := cl.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return responseError(err)
	}
	return nil
}

func responseError(err error) error { return fmt.Errorf("reading the server's response: %w", err) }
