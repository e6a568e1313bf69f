// Package storeembedded is the store inside this process, as a guest module of flowtrux.stores. It is a thin wrapper;
// the store itself is package runtime/store/embedded.
package storeembedded

import (
	"fmt"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/embedded"
	"github.com/flowtrux/edge/runtime/store/etcd"
)

func init() {
	caddy.RegisterModule(&Store{})
}

// servers are the etcd servers of the process: a directory has one, whichever config uses it.
var servers embedded.Servers

// Store is an etcd inside this process that opens no port, for one machine. It survives reloads of the config.
// Placeholders (`{env.X}`) are allowed in all fields.
type Store struct {
	// The directory of the data, which belongs to one process at a time. Default: `flowtrux/store` in Caddy's data
	// directory.
	Dir string `json:"dir,omitempty"`

	// The prefix of all keys. Default: `/flowtrux/`.
	Prefix string `json:"prefix,omitempty"`

	// A directory of documents that are imported when the store is empty: `workflows/<id>.json`, `secrets/<id>` and
	// `globals/<key>.json`. Default: none.
	Seed string `json:"seed,omitempty"`

	// A Unix socket on which etcdctl reaches the store too: `unix/<path>`. Who may open the socket may change everything;
	// it has mode 0600. A change needs a restart. Default: none.
	Listen string `json:"listen,omitempty"`

	options embedded.Options
	seed    string
}

// CaddyModule returns the Caddy module information.
func (*Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "flowtrux.stores.embedded",
		New: func() caddy.Module { return new(Store) },
	}
}

// Provision resolves placeholders and fills in defaults.
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
	s.options = embedded.Options{
		Servers: &servers,
		Dir:     resolve("dir", s.Dir),
		Prefix:  etcd.CleanPrefix(resolve("prefix", s.Prefix)),
	}
	if s.options.Dir == "" {
		s.options.Dir = filepath.Join(caddy.AppDataDir(), "flowtrux", "store")
	}
	s.seed = resolve("seed", s.Seed)
	if listen := resolve("listen", s.Listen); listen != "" {
		address, bad := caddy.ParseNetworkAddress(listen)
		if bad != nil || !address.IsUnixNetwork() || address.Host == "" {
			return fmt.Errorf("listen takes unix/<path>, not '%s'", listen)
		}
		s.options.Listen = address.Host
	}
	return err
}

// StoreKey implements store.Module.
func (s *Store) StoreKey() string {
	return fmt.Sprintf("embedded %q %q %q %q", s.options.Dir, s.options.Prefix, s.options.Listen, s.seed)
}

// NewEngine implements store.Module.
func (s *Store) NewEngine(logger *zap.Logger) (store.Engine, error) {
	o := s.options
	o.Logger = logger
	return embedded.New(o)
}

// CachePath implements store.Module. The data is on this machine already; the cache is for last valid documents.
func (s *Store) CachePath() string { return filepath.Join(s.options.Dir, "cache.json") }

// SeedDir implements store.Module.
func (s *Store) SeedDir() string { return s.seed }

// UnmarshalCaddyfile reads the store's block. Syntax:
//
//	embedded [<dir>] {
//		prefix <prefix>
//		seed   <dir>
//		listen unix/<path>
//	}
func (s *Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the engine's name
	if d.NextArg() {
		s.Dir = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		field, ok := map[string]*string{"prefix": &s.Prefix, "seed": &s.Seed, "listen": &s.Listen}[d.Val()]
		if !ok {
			return d.Errf("unrecognized option '%s'; allowed are: prefix, seed, listen", d.Val())
		}
		if *field != "" {
			return d.Errf("%s is given twice", d.Val())
		}
		if !d.AllArgs(field) {
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
