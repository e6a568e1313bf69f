//go:build unix

package pgtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Authority signs certificates for tests.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority makes an authority with a key of its own.
func NewAuthority(name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := certificate(name)
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	a := &Authority{key: key}
	a.certificate, err = x509.ParseCertificate(der)
	return a, err
}

func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
}

// WriteAuthority writes the certificate of the authority.
func (a *Authority) WriteAuthority(path string) error {
	return os.WriteFile(path, encoded("CERTIFICATE", a.certificate.Raw), 0o644)
}

// WritePair writes a certificate, of a server at 127.0.0.1 or of the user with its name, and its
// key.
func (a *Authority) WritePair(name, certificatePath, keyPath string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := certificate(name)
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(certificatePath, encoded("CERTIFICATE", der), 0o644),
		os.WriteFile(keyPath, encoded("EC PRIVATE KEY", secret), 0o600))
}

func encoded(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// UseTLS gives the server a certificate of an authority, which also signs those of its clients.
// SetRules makes it demand them.
func (s *Server) UseTLS(a *Authority) error {
	const authority, pair, key = "authority.crt", "server.crt", "server.key"
	files := []string{filepath.Join(s.data(), authority), filepath.Join(s.data(), pair), filepath.Join(s.data(), key)}
	if err := errors.Join(a.WriteAuthority(files[0]), a.WritePair("127.0.0.1", files[1], files[2])); err != nil {
		return err
	}
	account, err := s.account()
	if err != nil {
		return err
	}
	for _, file := range files {
		if account == nil {
			break
		}
		if err := os.Chown(file, int(account.Uid), int(account.Gid)); err != nil {
			return err
		}
	}
	return s.configure([]string{"ssl=on", "ssl_cert_file='" + pair + "'", "ssl_key_file='" + key + "'", "ssl_ca_file='" + authority + "'"})
}

// SetRules replaces the rules of pg_hba.conf for connections to the port of the server, and makes
// it read its files again. Those to its socket need no password.
func (s *Server) SetRules(rules string) error {
	rules = "local all all trust\n" + rules + "\n"
	if err := os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(rules), 0o600); err != nil {
		return err
	}
	return s.cmd.Process.Signal(syscall.SIGHUP)
}

// Directory returns where the socket of the server is.
func (s *Server) Directory() string { return s.dir }
