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

// Cluster is how a cluster is reached over the network.
type Cluster struct {
	// host:port, http://host:port, https://host:port or unix:<path>; at least one
	Endpoints []string

	Username, Password string // both or none

	// Files in PEM. Any of them turns on TLS for endpoints that do not say http or https. The
	// certificate and its key are read again for each connection, the authorities when one is made
	// anew after a failure.
	CA, Cert, Key string
}

// How connections behave. All but the keep-alive, which finds dead connections, is to fail soon:
// attempts are repeated.
const (
	dialTime      = 5 * time.Second
	keepAliveTime = 30 * time.Second
	keepAliveWait = 10 * time.Second
	retries       = 4
)

// connectPause is between attempts to connect to one member. Its cap is what a comeback may cost at
// most.
var connectPause = backoff.Config{BaseDelay: 500 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second}

// Check tells what is wrong with the configuration itself.
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

// CheckFiles reads the TLS files, and tells what is wrong with them.
func (c *Cluster) CheckFiles() error {
	_, err := c.tls()
	return err
}

// tls is the TLS configuration; nil without files.
func (c *Cluster) tls() (*tls.Config, error) {
	if !c.withTLS() {
		return nil, nil
	}
	info := transport.TLSInfo{TrustedCAFile: c.CA, CertFile: c.Cert, KeyFile: c.Key}
	config, err := info.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("%w: reading TLS files: %w", errConfig, err)
	}
	if c.CA != "" && config.RootCAs.Equal(x509.NewCertPool()) { // then it would trust nobody
		return nil, fmt.Errorf("%w: reading TLS files: %s has no certificate in PEM", errConfig, c.CA)
	}
	return config, nil
}

func (c *Cluster) withTLS() bool { return c.CA != "" || c.Cert != "" }

// Location is the cluster's part of an engine's identity: its endpoints.
func (c *Cluster) Location() string {
	return strings.Join(slices.Sorted(slices.Values(c.Endpoints)), ",")
}

// Connect makes a client. With a user it waits up to 5s for the cluster to check the password,
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
		Logger:               zap.NewNop(), // whatever goes wrong is reported by Follow, once
		DialOptions: []grpc.DialOption{
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: connectPause, MinConnectTimeout: dialTime}),
			grpc.WithChainUnaryInterceptor(failFast),
		},
	}
	var err error
	if config.TLS, err = c.tls(); err != nil {
		return nil, err
	}
	// The client lives longer than ctx, which only bounds the wait.
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

// failFast makes a request fail when there is no connection, with the reason why there is none.
// etcd's client would have it wait for one, and then there is nothing to tell but that it took too
// long.
func failFast(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	return invoke(ctx, method, request, reply, conn, append(slices.Clip(options), grpc.WaitForReady(false))...)
}
