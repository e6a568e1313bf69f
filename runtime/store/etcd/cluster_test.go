package etcd_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/flowtrux/edge/internal/testports"
	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/etcd"
	"github.com/flowtrux/edge/runtime/store/etcd/etcdtest"
	"github.com/flowtrux/edge/runtime/store/storetest"
)

func TestCheck(t *testing.T) {
	ends := []string{"127.0.0.1:2379"}
	for _, c := range []struct {
		cluster etcd.Cluster
		err     string // "" = none
	}{
		{etcd.Cluster{}, "no endpoint"},
		{etcd.Cluster{Endpoints: []string{"a:1", ""}}, "is empty"},
		{etcd.Cluster{Endpoints: ends}, ""},
		{etcd.Cluster{Endpoints: ends, Username: "u"}, "needs a password"},
		{etcd.Cluster{Endpoints: ends, Password: "secret-password"}, "a username"},
		{etcd.Cluster{Endpoints: ends, Username: "u", Password: "p"}, ""},
		{etcd.Cluster{Endpoints: ends, Cert: "c"}, "needs a key"},
		{etcd.Cluster{Endpoints: ends, Key: "k"}, "a certificate"},
		{etcd.Cluster{Endpoints: ends, CA: "ca", Cert: "c", Key: "k"}, ""},
		{etcd.Cluster{Endpoints: []string{"https://a:1", "http://b:1"}, CA: "ca"}, "http://b:1 would be spoken to without TLS"},
		{etcd.Cluster{Endpoints: []string{"http://b:1"}}, ""},
	} {
		err := c.cluster.Check()
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%+v: %v, want %q", c.cluster, err, c.err)
		}
		if err != nil && strings.Contains(err.Error(), "secret-password") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}

// follow opens and follows an engine of a cluster.
func follow(t *testing.T, c etcd.Cluster, prefix string) *storetest.Follower {
	t.Helper()
	e := engine(c, prefix)
	if err := e.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return storetest.Follow(t, e)
}

const password = "correct horse"

// withUsers turns on users: root, and edge who may read /flowtrux/ only.
func withUsers(s *etcdtest.Server) {
	s.Do("turning on users", func(ctx context.Context, c *clientv3.Client) error {
		end := clientv3.GetPrefixRangeEnd(etcd.DefaultPrefix)
		steps := []func() error{
			func() error { _, err := c.UserAdd(ctx, "root", password); return err },
			func() error { _, err := c.UserGrantRole(ctx, "root", "root"); return err },
			func() error { _, err := c.UserAdd(ctx, "edge", password); return err },
			func() error { _, err := c.RoleAdd(ctx, "reader"); return err },
			func() error {
				_, err := c.RoleGrantPermission(ctx, "reader", etcd.DefaultPrefix, end, clientv3.PermissionType(clientv3.PermRead))
				return err
			},
			func() error { _, err := c.UserGrantRole(ctx, "edge", "reader"); return err },
			func() error { _, err := c.RoleAdd(ctx, "root"); return ignore(err, "already exists") },
			func() error { _, err := c.AuthEnable(ctx); return err },
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
}

func ignore(err error, text string) error {
	if err != nil && strings.Contains(err.Error(), text) {
		return nil
	}
	return err
}

func TestUsers(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			s := server.start(t)
			s.Do("putting", func(ctx context.Context, c *clientv3.Client) error {
				_, err := c.Put(ctx, "/flowtrux/k", "1")
				return err
			})
			withUsers(s)
			cluster := func(user, password string) etcd.Cluster {
				return etcd.Cluster{Endpoints: []string{s.Address}, Username: user, Password: password}
			}

			proxy := etcdtest.NewProxy(t, s.Address)
			reader := follow(t, etcd.Cluster{Endpoints: []string{proxy.Address}, Username: "edge", Password: password}, "")
			reader.WaitContent(map[string]string{"k": "1"})
			reader.WaitState(store.Live)
			_, err := reader.Engine.Write(t.Context(), []store.Entry{{Key: "k"}}, nil)
			if !errors.Is(err, store.ErrDenied) {
				t.Errorf("a reader wrote: %v", err)
			}

			root := follow(t, cluster("root", password), "")
			root.WaitState(store.Live)

			// A server that starts anew has forgotten the tokens of its users.
			s.Stop()
			root.WaitState(store.Cached)
			reader.WaitState(store.Cached)
			s.Start()
			root.WaitState(store.Live)
			reader.WaitState(store.Live)
			if _, err := root.Engine.Write(t.Context(), []store.Entry{{Key: "k", Value: []byte("2")}}, nil); err != nil {
				t.Errorf("root cannot write: %v", err)
			}
			reader.WaitContent(map[string]string{"k": "2"})

			for name, c := range map[string]struct {
				cluster etcd.Cluster
				prefix  string
			}{
				"bad password": {cluster("edge", "wrong password"), ""},
				"unknown user": {cluster("nobody", password), ""},
				"no user":      {cluster("", ""), ""},
				"other prefix": {cluster("edge", password), "/other/"},
			} {
				f := follow(t, c.cluster, c.prefix)
				v := f.WaitState(store.Failed)
				if !errors.Is(v.Err(), store.ErrDenied) {
					t.Errorf("%s: %v, want %v", name, v.Err(), store.ErrDenied)
				}
				if text := v.Err().Error(); strings.Contains(text, "wrong password") || strings.Contains(text, password) {
					t.Errorf("%s: the error tells the password: %s", name, text)
				}
				f.Stop()
			}

			// It goes on trying: the operator mends what is wrong, and no restart is needed.
			late := follow(t, cluster("late", "its password"), "")
			late.WaitState(store.Failed)
			asRoot(t, s, func(ctx context.Context, c *clientv3.Client) error {
				if _, err := c.UserAdd(ctx, "late", "its password"); err != nil {
					return err
				}
				_, err := c.UserGrantRole(ctx, "late", "reader")
				return err
			})
			late.WaitState(store.Live)

			// A right that is taken away is noticed at the next attempt, and what is known stays.
			reconnect := proxy.Cut()
			reader.WaitState(store.Cached)
			asRoot(t, s, func(ctx context.Context, c *clientv3.Client) error {
				_, err := c.UserRevokeRole(ctx, "edge", "reader")
				return err
			})
			reconnect()
			if v := reader.WaitState(store.Failed); v.Content["k"] != "2" {
				t.Errorf("content of a user without rights: %q", v.Content)
			}
		})
	}
}

// asRoot does something as root.
func asRoot(t *testing.T, s *etcdtest.Server, f func(context.Context, *clientv3.Client) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
	defer cancel()
	root := etcd.Cluster{Endpoints: []string{s.Address}, Username: "root", Password: password}
	c, err := root.Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := f(ctx, c); err != nil {
		t.Fatal(err)
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t, dir, "ca")
	other := newAuthority(t, dir, "other")
	serverCert, serverKey := ca.issue("server")
	clientCert, clientKey := ca.issue("client")
	strangerCert, strangerKey := other.issue("stranger")
	noPEM := filepath.Join(dir, "password")
	if err := os.WriteFile(noPEM, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := testports.Address(t)
	etcdtest.CurrentWith(t, func(c *embed.Config) {
		c.ListenClientUrls = append(c.ListenClientUrls, url.URL{Scheme: "https", Host: address})
		c.ClientTLSInfo = transport.TLSInfo{CertFile: serverCert, KeyFile: serverKey, TrustedCAFile: ca.file, ClientCertAuth: true}
	})
	for _, c := range []struct {
		name    string
		cluster etcd.Cluster
		state   store.State
		err     string
	}{
		{"all right", etcd.Cluster{Endpoints: []string{address}, CA: ca.file, Cert: clientCert, Key: clientKey}, store.Live, ""},
		{"https", etcd.Cluster{Endpoints: []string{"https://" + address}, CA: ca.file, Cert: clientCert, Key: clientKey}, store.Live, ""},
		{"other authority", etcd.Cluster{Endpoints: []string{address}, CA: other.file, Cert: clientCert, Key: clientKey}, store.Cached, "unknown authority"},
		{"no certificate", etcd.Cluster{Endpoints: []string{address}, CA: ca.file}, store.Cached, ""},
		{"stranger", etcd.Cluster{Endpoints: []string{address}, CA: ca.file, Cert: strangerCert, Key: strangerKey}, store.Cached, ""},
		{"missing file", etcd.Cluster{Endpoints: []string{address}, CA: filepath.Join(dir, "missing")}, store.Failed, "missing"},
		{"no PEM in file", etcd.Cluster{Endpoints: []string{address}, CA: noPEM}, store.Failed, "has no certificate in PEM"},
		{"no certificate in file", etcd.Cluster{Endpoints: []string{address}, CA: clientKey}, store.Failed, "TLS files"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := follow(t, c.cluster, "").WaitState(c.state)
			if err := v.Err(); c.err != "" && !strings.Contains(err.Error(), c.err) {
				t.Errorf("reported %v, want %q", err, c.err)
			}
		})
	}
}

// authority makes certificates for 127.0.0.1.
type authority struct {
	t    *testing.T
	dir  string
	file string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, dir, name string) *authority {
	t.Helper()
	a := &authority{t: t, dir: dir}
	a.key = a.newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.file = a.write(name+".pem", "CERTIFICATE", der)
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

// issue makes the files of a certificate and its key.
func (a *authority) issue(name string) (cert, key string) {
	a.t.Helper()
	k := a.newKey()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, k.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".pem", "CERTIFICATE", der), a.write(name+"-key.pem", "PRIVATE KEY", private)
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}
