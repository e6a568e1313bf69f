package modulefetch

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// module is what the tests fetch; nothing here looks into it.
var module = bytes.Repeat([]byte("\x00asm module of the tests "), 4096)

func digestOf(b []byte) Digest { return sha256.Sum256(b) }

// serve runs an https server that this process trusts, until the test ends.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	// clients that do not trust it are part of the tests
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	transport := http.DefaultTransport.(*http.Transport)
	before := transport.TLSClientConfig
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	// all of httptest have the same certificate
	transport.TLSClientConfig = &tls.Config{RootCAs: trusted}
	t.Cleanup(func() { transport.TLSClientConfig = before })
	return server
}

// lab is a Store, what it logs, and where it keeps modules.
type lab struct {
	*Store
	t   *testing.T
	log *observer.ObservedLogs
}

func newLab(t *testing.T) lab {
	t.Helper()
	return lab{t: t}.again(filepath.Join(t.TempDir(), "modules"))
}

// again is another Store in a directory.
func (l lab) again(dir string) lab {
	core, log := observer.New(zap.DebugLevel)
	return lab{NewStore(Options{Dir: dir, Logger: zap.New(core)}), l.t, log}
}

func (l lab) load(text string, d Digest) ([]byte, error) {
	l.t.Helper()
	o, err := Parse(text)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.Load(l.t.Context(), o, d)
}

// gives checks that a module is loaded.
func (l lab) gives(text string, want []byte) {
	l.t.Helper()
	if got, err := l.load(text, digestOf(want)); err != nil || !bytes.Equal(got, want) {
		l.t.Errorf("%d bytes, %v", len(got), err)
	}
}

// refuses checks that a module is not loaded, why, and that nothing stays behind, on disk or of
// secrets.
func (l lab) refuses(text string, d Digest, want string) {
	l.t.Helper()
	_, err := l.load(text, d)
	if err == nil || !strings.Contains(err.Error(), want) {
		l.t.Errorf("%v, want %q", err, want)
		return
	}
	said := err.Error()
	for _, entry := range l.log.All() {
		said += fmt.Sprintln(entry.Message, entry.ContextMap())
	}
	if strings.Contains(said, "secret") {
		l.t.Errorf("secrets in an error or the log: %s", said)
	}
	if files := l.files(); len(files) > 0 {
		l.t.Errorf("left on disk: %v", files)
	}
}

// files are the names in the directory.
func (l lab) files() (names []string) {
	l.t.Helper()
	entries, err := os.ReadDir(l.dir)
	if err != nil && !os.IsNotExist(err) {
		l.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (l lab) logged(message string) int { return l.log.FilterMessage(message).Len() }
