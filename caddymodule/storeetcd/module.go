// Package storeetcd is the store on an etcd cluster, as a guest module of flowtrux.stores. It is a thin wrapper; the
// store itself is package runtime/store/etcd.
package storeetcd

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/etcd"
)

func init() {
	caddy.RegisterModule(&Store{})
}

// cacheOff is the value of Cache that turns it off.
const cacheOff = "off"

// Store is an etcd cluster (3.4 or later). While it cannot be reached, what is known of it serves, also after a restart.
// Placeholders (`{env.X}`, `{file.X}`) are allowed in all fields; passwords belong there, not in the config.
type Store struct {
	// The members to talk to: `host:port`, `http://…`, `https://…` or `unix:<path>`.
	Endpoints []string `json:"endpoints,omitempty"`

	// The prefix of all keys. Default: `/flowtrux/`.
	Prefix string `json:"prefix,omitempty"`

	// A user of etcd and the password; both or none.
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`

	// Files in PEM for TLS: the authorities, and this client's certificate with its key.
	CA   string `json:"ca,omitempty"`
	Cert string `json:"cert,omitempty"`
	Key  string `json:"key,omitempty"`

	// The file of the last-known-good cache, or `off`. It holds secrets and has mode 0600. Default: a file below
	// `flowtrux/cache` in Caddy's data directory.
	Cache string `json:"cache,omitempty"`

	cluster etcd.Cluster
	prefix  string
	cache   string // "" = none
}

// CaddyModule returns the Caddy module information.
func (*Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "flowtrux.stores.etcd",
		New: func() caddy.Module { return new(Store) },
	}
}

// Provision resolves placeholders and checks what can be checked without the cluster.
func (s *Store) Provision(caddy.Context) error {
	repl := caddy.NewReplacer()
	var err error
	resolve := func(name, text string) string {
		value, failed := repl.ReplaceOrErr(text, true, true)
		if failed != nil && err == nil {
			err = fmt.Errorf("%s: %w", name, failed)
		}
		return value
	}
	s.cluster = etcd.Cluster{
		Username: resolve("username", s.Username), Password: resolve("password", s.Password),
		CA: resolve("ca", s.CA), Cert: resolve("cert", s.Cert), Key: resolve("key", s.Key),
	}
	for _, e := range s.Endpoints {
		s.cluster.Endpoints = append(s.cluster.Endpoints, resolve("endpoint", e))
	}
	s.prefix = etcd.CleanPrefix(resolve("prefix", s.Prefix))
	switch cache := resolve("cache", s.Cache); cache {
	case cacheOff:
	case "":
		// Stores differ by their place: two of them must not share a file.
		name := sha256.Sum256([]byte(s.cluster.Location() + " " + s.prefix))
		s.cache = filepath.Join(caddy.AppDataDir(), "flowtrux", "cache", fmt.Sprintf("%x.json", name[:8]))
	default:
		s.cache = cache
	}
	if err != nil {
		return err
	}
	return s.cluster.Check()
}

// StoreKey implements store.Module.
func (s *Store) StoreKey() string {
	c := s.cluster
	password := sha256.Sum256([]byte(c.Password))
	return fmt.Sprintf("etcd %q %q %q %x %q %q %q %q", c.Endpoints, s.prefix, c.Username, password, c.CA, c.Cert, c.Key, s.cache)
}

// NewEngine implements store.Module.
func (s *Store) NewEngine(*zap.Logger) (store.Engine, error) {
	cluster := s.cluster
	return etcd.New(etcd.Config{Name: "etcd", Location: cluster.Location(), Prefix: s.prefix, Connect: cluster.Connect}), nil
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
	options := map[string][]*string{
		"prefix": {&s.Prefix}, "username": {&s.Username}, "password": {&s.Password},
		"ca": {&s.CA}, "cert": {&s.Cert, &s.Key}, "cache": {&s.Cache},
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		fields, ok := options[d.Val()]
		if !ok {
			return d.Errf("unrecognized option '%s'; allowed are: prefix, username, password, ca, cert, cache", d.Val())
		}
		if *fields[0] != "" {
			return d.Errf("%s is given twice", d.Val())
		}
		if !d.AllArgs(fields...) {
			return d.ArgErr()
		}
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Store)(nil)
	_ caddyfile.Unmarshaler = (*Store)(nil)
	_ store.Module          = (*Store)(nil)
)
