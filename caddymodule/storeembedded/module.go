// Package storeembedded is Caddy's module for the store inside this process, in the namespace
// flowtrux.stores. It is a thin wrapper around package runtime/store/embedded.
package storeembedded

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"

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

// servers are the etcd servers of this process, one for each directory: configs share them.
var servers embedded.Servers

// Store is an etcd server inside this process, for one machine. It opens no port, and keeps running
// when the config is reloaded. Placeholders such as `{env.HOME}` are resolved when the config is
// loaded.
//
// In a Caddyfile:
//
//	{
//		flowtrux {
//			store embedded /var/lib/flowtrux/store {
//				seed /etc/flowtrux/seed
//			}
//		}
//	}
//
// The store in JSON:
//
//	{
//		"engine": "embedded",
//		"dir": "/var/lib/flowtrux/store",
//		"seed": "/etc/flowtrux/seed"
//	}
type Store struct {
	// Directory of the data and of the last-known-good cache. Only one process at a time can use
	// it. Default: `flowtrux/store` in Caddy's data directory.
	Dir string `json:"dir,omitempty"`

	// Prefix of all keys. A trailing slash is added if it is missing. Default: `/flowtrux/`.
	Prefix string `json:"prefix,omitempty"`

	// Directory of documents that are imported when the store is empty: `workflows/<id>.json`,
	// `secrets/<id>` and `globals/<key>` or `globals/<key>.json`. Default: none.
	Seed string `json:"seed,omitempty"`

	// Unix socket for etcdctl, as `unix/<path>`. Its mode is 0600: anyone who can open it can read
	// secrets and change everything. A change takes effect when the process is restarted. Default:
	// none.
	Listen string `json:"listen,omitempty"`

	options embedded.Options // of the engine, without placeholders
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
	var listen string
	for _, field := range []struct {
		name, text string
		to         *string
	}{
		{"dir", s.Dir, &s.options.Dir},
		{"prefix", s.Prefix, &s.options.Prefix},
		{"seed", s.Seed, &s.seed},
		{"listen", s.Listen, &listen},
	} {
		value, err := repl.ReplaceOrErr(field.text, true, true)
		if err != nil {
			return fmt.Errorf("%s: %w", field.name, err)
		}
		*field.to = value
	}
	s.options.Servers = &servers
	s.options.Prefix = etcd.CleanPrefix(s.options.Prefix)
	if s.options.Dir == "" {
		s.options.Dir = filepath.Join(caddy.AppDataDir(), "flowtrux", "store")
	}
	var err error
	if s.options.Dir, err = filepath.Abs(s.options.Dir); err != nil {
		return fmt.Errorf("dir: %w", err)
	}
	if listen != "" {
		path, ok := socketPath(listen)
		if !ok {
			return fmt.Errorf("listen is '%s'; %s", listen, wantSocket)
		}
		s.options.Listen = path
	}
	return nil
}

// Validate rejects a seed that cannot be imported.
func (s *Store) Validate() error {
	if s.seed == "" {
		return nil
	}
	return store.CheckSeed(s.seed)
}

// wantSocket ends errors about listen.
const wantSocket = "it takes unix/<path>, such as unix//run/flowtrux/etcd.sock"

// socketPath returns the path in the address of a Unix socket.
func socketPath(address string) (path string, ok bool) {
	path, ok = strings.CutPrefix(address, "unix/")
	return path, ok && path != ""
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

// CachePath implements store.Module. The store's content is on this machine already; the cache is
// for the valid documents that still serve beside newer, invalid ones.
func (s *Store) CachePath() string {
	prefix := sha256.Sum256([]byte(s.options.Prefix)) // a directory may have several
	return filepath.Join(s.options.Dir, fmt.Sprintf("cache-%x.json", prefix[:4]))
}

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
		if s.Dir == "" {
			return d.Err("the directory is empty")
		}
	}
	if d.NextArg() {
		return d.Err("wrong argument count: embedded takes at most 1, the directory")
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		field, ok := map[string]*string{"prefix": &s.Prefix, "seed": &s.Seed, "listen": &s.Listen}[name]
		if !ok {
			return d.Errf("unrecognized option '%s'; allowed are: prefix, seed, listen", name)
		}
		if *field != "" {
			return d.Errf("option '%s' is given twice", name)
		}
		if !d.AllArgs(field) {
			return d.Errf("wrong argument count: %s takes 1", name)
		}
		if *field == "" {
			return d.Errf("%s is empty", name)
		}
		if _, ok := socketPath(s.Listen); name == "listen" && !ok && !strings.HasPrefix(s.Listen, "{") {
			return d.Errf("listen is '%s'; %s", s.Listen, wantSocket)
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
