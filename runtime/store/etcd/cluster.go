package etcd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

// Cluster configures the access to a cluster over the network.
type Cluster struct {
	// host:port, http://host:port, https://host:port or unix:<path>; at least one
	Endpoints []string

	Username, Password string // both or none

	// Files in PEM. Any of them turns on TLS for endpoints without http or https. The certificate
	// and its key are read again for each connection, the authorities after a failure.
	CA, Cert, Key string
}

// Connections fail early, because attempts are repeated. The keep-alive finds dead connections.
const (
	dialTime      = 5 * time.Second
	keepAliveTime = 30 * time.Second
	keepAliveWait = 10 * time.Second
	retries       = 4
)

// connectPause is the pause between attempts to connect to one member. Its maximum is the longest
// delay when a member comes back.
var connectPause = backoff.Config{BaseDelay: 500 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second}

// Check checks the configuration without reading files.
func (c *Cluster) Check() error {
	switch {
	case len(c.Endpoints) == 0:
		return errors.New("there is no endpoint")
	case slices.Contains(c.Endpoints, ""):
		return errors.New("an endpoint is empty")
	case (c.Username == "") != (c.Password == ""):
		return errors.New("a username needs a password, and a password a username")
	case (c.Cert == "") != (c.Key == ""):
		return errors.New("a certificate needs a key, and a key a certificate")
	}
	for _, e := range c.Endpoints {
		if err := CheckEndpoint(e); err != nil {
			return err
		}
		if strings.HasPrefix(e, "http://") && c.withTLS() {
			return fmt.Errorf("endpoint %s would be spoken to without TLS, but TLS files are given", e)
		}
	}
	return nil
}

// CheckFiles reads and checks the TLS files.
func (c *Cluster) CheckFiles() error {
	_, err := c.tls()
	return err
}

// tls returns the TLS configuration; nil without files.
func (c *Cluster) tls() (*tls.Config, error) {
	if !c.withTLS() {
		return nil, nil
	}
	info := transport.TLSInfo{TrustedCAFile: c.CA, CertFile: c.Cert, KeyFile: c.Key}
	config, err := info.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("%w: reading TLS files: %w", errConfig, err)
	}
	if c.CA != "" && config.RootCAs.Equal(x509.NewCertPool()) { // it would trust no server
		return nil, fmt.Errorf("%w: reading TLS files: %s has no certificate in PEM", errConfig, c.CA)
	}
	return config, nil
}

func (c *Cluster) withTLS() bool { return c.CA != "" || c.Cert != "" }

// Location returns the cluster's part of an engine's identity: its endpoints.
func (c *Cluster) Location() string {
	return strings.Join(slices.Sorted(slices.Values(c.Endpoints)), ",")
}

// Connect makes a client. With a user it waits up to 5s for the cluster to check the password;
// without one it does not wait.
func (c *Cluster) Connect(ctx context.Context) (*clientv3.Client, error) {
	config := clientv3.Config{
		Endpoints:            c.Endpoints,
		Username:             c.Username,
		Password:             c.Password,
		DialTimeout:          dialTime,
		DialKeepAliveTime:    keepAliveTime,
		DialKeepAliveTimeout: keepAliveWait,
		MaxUnaryRetries:      retries,
		Logger:               zap.NewNop(), // Follow reports each error, once
		DialOptions: []grpc.DialOption{
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: connectPause, MinConnectTimeout: dialTime}),
			grpc.WithChainUnaryInterceptor(failFast),
		},
	}
	var err error
	if config.TLS, err = c.tls(); err != nil {
		return nil, err
	}
	// The client outlives ctx, which only limits the wait.
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	config.Context = alive
	stop := context.AfterFunc(ctx, end)
	client, err := clientv3.New(config)
	if !stop() {
		err = errors.Join(err, ctx.Err())
		if client != nil {
			_ = client.Close()
		}
	}
	if err != nil {
		end()
		return nil, failure("signing in", err)
	}
	return client, nil
}

// failFast makes a request fail if there is no connection, with the reason. By default etcd's
// client waits for one, and the only error is then that it took too long.
func failFast(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	return invoke(ctx, method, request, reply, conn, append(slices.Clip(options), grpc.WaitForReady(false))...)
}
