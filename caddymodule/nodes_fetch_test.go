package caddymodule

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/flowtrux/edge/internal/wasmbuild"
)

// publisher is an HTTPS server of node modules that this process trusts.
type publisher struct {
	*httptest.Server
	module   []byte // the content of every path
	requests atomic.Int32
}

func publish(t *testing.T, module []byte) *publisher {
	t.Helper()
	// Remove modules fetched before.
	if err := os.RemoveAll(filepath.Join(dataDir(), "modules")); err != nil {
		t.Fatal(err)
	}
	p := &publisher{module: module}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.requests.Add(1)
		_, _ = w.Write(p.module)
	}))
	t.Cleanup(p.Close)
	transport := http.DefaultTransport.(*http.Transport)
	before := transport.TLSClientConfig
	trusted := x509.NewCertPool()
	trusted.AddCert(p.Certificate())
	transport.TLSClientConfig = &tls.Config{RootCAs: trusted}
	t.Cleanup(func() { transport.TLSClientConfig = before })
	return p
}

// node returns an app's config with a node type `mine` from the publisher.
func (p *publisher) node(module []byte) string {
	return fmt.Sprintf(`{"nodes":{"mine":{"file":%q,"sha256":"%x"}}}`,
		strings.Replace(p.URL, "https://", "https://user:secret@", 1)+"/mine.wasm?token=secret", sha256.Sum256(module))
}

// TestValidateFetchesAhead checks that loading a config after `caddy validate` needs no server.
func TestValidateFetchesAhead(t *testing.T) {
	module := wasmbuild.StubModule(`"ahead"`)
	p := publish(t, module)
	if err := validate(t, p.node(module)); err != nil {
		t.Fatal(err)
	}
	checkReferences(t, 0)
	p.Close()
	run(t, p.node(module))
}

// TestNodeFromAServer checks that a module is fetched once for all configs and then needs no
// server. A module that cannot be fetched leaves the running config as it is.
func TestNodeFromAServer(t *testing.T) {
	one, two := wasmbuild.StubModule(`"one"`), wasmbuild.StubModule(`"two"`)
	p := publish(t, one)
	r := run(t, p.node(one))
	if source := module(t, r.app(), "mine").Source(); source != p.URL+"/mine.wasm" {
		t.Errorf("source %s", source)
	}
	if err := r.load(strings.TrimSuffix(p.node(one), "}") + `,"limits":{"executions":7}}`); err != nil {
		t.Fatal(err)
	}
	if n := p.requests.Load(); n != 1 {
		t.Errorf("%d requests for one module", n)
	}
	good := r.app()
	for what, config := range map[string]string{
		"it is not the configured module": p.node(two),
		"sha256 is missing":               fmt.Sprintf(`{"nodes":{"mine":{"file":%q}}}`, p.URL),
		"plain http":                      strings.Replace(p.node(one), "https://", "http://", 1),
	} {
		err := r.load(config)
		if err == nil || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "node mine") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, want %q", err, what)
		}
		if r.app() != good {
			t.Fatal("another app runs")
		}
		r.echo(`1`)
		checkReferences(t, 1)
	}
	p.Close()
	if err := r.load(p.node(two)); err == nil || !strings.Contains(err.Error(), "fetching the module from "+p.URL+"/mine.wasm: ") {
		t.Errorf("without the server: %v", err)
	}
	if err := r.load(p.node(one)); err != nil {
		t.Errorf("without the server, for a module that was fetched: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dataDir(), "modules", fmt.Sprintf("%x.wasm", sha256.Sum256(one)))); err != nil {
		t.Error(err)
	}
}
