// Package storeetcd is Caddy's module for the store in an etcd cluster, in the namespace
// flowtrux.stores. It is a thin wrapper around package runtime/store/etcd.
package storeetcd

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/etcd"
)

func init() {
	caddy.RegisterModule(&Store{})
}

// Store is an etcd cluster, version 3.4 or later. While the cluster cannot be reached, its last
// known content is served, also after a restart. Placeholders such as `{env.ETCD_PASSWORD}` or
// `{file./run/secrets/etcd}` are resolved when the config is loaded.
//
// In a Caddyfile:
//
//	{
//		flowtrux {
//			store etcd https://10.0.0.1:2379 https://10.0.0.2:2379 {
//				username edge
//				password {env.ETCD_PASSWORD}
//				ca /etc/etcd/ca.pem
//			}
//		}
//	}
//
// The store in JSON:
//
//	{
//		"engine": "etcd",
//		"endpoints": ["https://10.0.0.1:2379", "https://10.0.0.2:2379"],
//		"username": "edge",
//		"password": "{env.ETCD_PASSWORD}",
//		"ca": "/etc/etcd/ca.pem"
//	}
type Store struct {
	// Members of the cluster: `host:port`, `http://host:port`, `https://host:port` or
	// `unix:<path>`. Required.
	Endpoints []string `json:"endpoints,omitempty"`

	// Prefix of all keys. A trailing slash is added if it is missing. Default: `/flowtrux/`.
	Prefix string `json:"prefix,omitempty"`

	// User to sign in as. The user needs permission to read below the prefix, and to write there if
	// workflows, secrets or globals are changed through this Caddy or by nodes. Default: no user.
	Username string `json:"username,omitempty"`

	// Password of the user. Use a placeholder: the config can be read through the admin endpoint. A
	// brace that is part of the password is written `\{`.
	Password string `json:"password,omitempty"`

	// File with the certificate authorities (PEM) that the members' certificates are verified
	// against. It turns on TLS for endpoints without a scheme. Default: the system's authorities,
	// for https endpoints.
	CA string `json:"ca,omitempty"`

	// File with the client certificate (PEM) to present to the members. It is read again for each
	// connection. Default: none.
	Cert string `json:"cert,omitempty"`

	// File with the client certificate's key (PEM).
	Key string `json:"key,omitempty"`

	// File of the last-known-good cache, or `off`. It holds secrets, and its mode is 0600. A file
	// that is not such a cache is left alone. Default: a file in `flowtrux/cache` in Caddy's data
	// directory, one for each cluster and prefix.
	Cache string `json:"cache,omitempty"`

	cluster etcd.Cluster // without placeholders, as what follows
	prefix  string
	cache   string // "" = none
}

// cacheOff is the value of Cache that turns it off.
const cacheOff = "off"

// CaddyModule returns the Caddy module information.
func (*Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "flowtrux.stores.etcd",
		New: func() caddy.Module { return new(Store) },
	}
}

// Provision resolves placeholders, fills in defaults and checks what can be checked without the
// cluster.
func (s *Store) Provision(caddy.Context) error {
	repl := caddy.NewReplacer()
	for _, field := range []struct {
		name, text string
		to         *string
	}{
		{"prefix", s.Prefix, &s.prefix},
		{"username", s.Username, &s.cluster.Username},
		{"ca", s.CA, &s.cluster.CA},
		{"cert", s.Cert, &s.cluster.Cert},
		{"key", s.Key, &s.cluster.Key},
		{"cache", s.Cache, &s.cache},
	} {
		value, err := repl.ReplaceOrErr(field.text, true, true)
		if err != nil {
			return fmt.Errorf("%s: %w", field.name, err)
		}
		*field.to = value
	}
	var err error
	if s.cluster.Password, err = repl.ReplaceOrErr(s.Password, true, true); err != nil {
		// err quotes it
		return errors.New("password: a placeholder in it is unknown or gives nothing")
	}
	s.cluster.Endpoints = make([]string, len(s.Endpoints))
	for i, endpoint := range s.Endpoints {
		if s.cluster.Endpoints[i], err = repl.ReplaceOrErr(endpoint, true, true); err != nil {
			return fmt.Errorf("endpoint: %w", err)
		}
	}
	s.prefix = etcd.CleanPrefix(s.prefix)
	switch s.cache {
	case cacheOff:
		s.cache = ""
	case "":
		name := sha256.Sum256([]byte(s.engine().Identity()))
		s.cache = filepath.Join(caddy.AppDataDir(), "flowtrux", "cache", fmt.Sprintf("etcd-%x.json", name[:8]))
	}
	return nil
}

// Validate rejects settings that cannot work.
func (s *Store) Validate() error {
	if err := s.cluster.Check(); err != nil {
		return err
	}
	return s.cluster.CheckFiles()
}

// StoreKey implements store.Module.
func (s *Store) StoreKey() string {
	c := s.cluster
	password := sha256.Sum256([]byte(c.Password))
	return fmt.Sprintf("etcd %q %q %q %x %q %q %q %q", c.Endpoints, s.prefix, c.Username, password, c.CA, c.Cert, c.Key, s.cache)
}

// NewEngine implements store.Module.
func (s *Store) NewEngine(*zap.Logger) (store.Engine, error) { return s.engine(), nil }

func (s *Store) engine() *etcd.Engine {
	cluster := s.cluster
	return etcd.New(etcd.Config{Name: "etcd", Location: cluster.Location(), Prefix: s.prefix, Connect: cluster.Connect})
}

// CachePath implements store.Module.
func (s *Store) CachePath() string { return s.cache }

// SeedDir implements store.Module: a cluster is filled by its operators.
func (s *Store) SeedDir() string { return "" }

// UnmarshalCaddyfile reads the store's block. Syntax:
//
//	etcd <endpoint...> {
//		prefix   <prefix>
//		username <name>
//		password <text>
//		ca       <file>
//		cert     <file> <key file>
//		cache    <file>|off
//	}
func (s *Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the engine's name
	s.Endpoints = d.RemainingArgs()
	if len(s.Endpoints) == 0 {
		return d.Err("etcd takes at least one endpoint, such as 127.0.0.1:2379")
	}
	known := make([]string, 0, len(s.Endpoints)) // the others have placeholders
	for _, endpoint := range s.Endpoints {
		if strings.Contains(endpoint, "{") {
			continue
		}
		if err := etcd.CheckEndpoint(endpoint); err != nil {
			return d.WrapErr(err)
		}
		known = append(known, endpoint)
	}
	options := map[string][]*string{
		"prefix": {&s.Prefix}, "username": {&s.Username}, "password": {&s.Password},
		"ca": {&s.CA}, "cert": {&s.Cert, &s.Key}, "cache": {&s.Cache},
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		fields, ok := options[name]
		if !ok {
			return d.Errf("unrecognized option '%s'; allowed are: prefix, username, password, ca, cert, cache", name)
		}
		if *fields[0] != "" {
			return d.Errf("option '%s' is given twice", name)
		}
		if !d.AllArgs(fields...) { // d.ArgErr would quote the password
			return d.Errf("wrong argument count: %s takes %d", name, len(fields))
		}
		for _, field := range fields {
			if *field == "" {
				return d.Errf("%s is empty", name)
			}
		}
	}
	together := etcd.Cluster{Endpoints: known, Username: s.Username, Password: s.Password, CA: s.CA, Cert: s.Cert, Key: s.Key}
	if len(known) > 0 {
		if err := together.Check(); err != nil {
			return d.WrapErr(err)
		}
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Store)(nil)
	_ caddy.Validator       = (*Store)(nil)
	_ caddyfile.Unmarshaler = (*Store)(nil)
	_ store.Module          = (*Store)(nil)
)
