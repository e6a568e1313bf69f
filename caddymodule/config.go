package caddymodule

import (
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/runtime/egress"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/modulefetch"
)

// Node declares a node type of the operator's own: a WebAssembly module that workflows may then use
// by the name it is declared under.
type Node struct {
	// The module: a file, `https://<host>/<path>`, or `oci://<registry>/<name>:<tag>` or
	// `…@sha256:<hex>`, an artifact in an OCI registry whose layer of media type application/wasm
	// it is; `builtin:code` is the module of the built-in type `code`, and so on. Required.
	// Placeholders such as `{env.HOME}` are resolved when the config is loaded.
	//
	// What is on a server is fetched when a config is loaded, once, and then kept in Caddy's data
	// directory. When it cannot be fetched, the load of the config fails.
	File string `json:"file,omitempty"`

	// The SHA-256 of the module in hex. When it is given, another module fails the load of the
	// config. Required where the module is fetched. Default: any file.
	SHA256 string `json:"sha256,omitempty"`

	// What the node may do, of what its manifest asks for. Default: nothing.
	Allow *Allow `json:"allow,omitempty"`

	// The most linear memory a call may have, in bytes. Default: `limits.node_memory`.
	Memory int64 `json:"memory,omitempty"`

	// The most time one call may take. `limits.node_timeout` and the workflow may ask for less.
	// Default: `limits.node_timeout`.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// The budget of one call in units of fuel, about one a WebAssembly instruction: the same on
	// every machine, other than its time. Default: no budget.
	Fuel int64 `json:"fuel,omitempty"`

	// How a call gets its clean state. `off`: from a fresh instance of the module, which takes as
	// long as the module takes to start, for each call. Default: from a snapshot of the started and
	// warmed up module.
	Snapshot string `json:"snapshot,omitempty"`

	source modulefetch.Source // what File says; set by check
}

// Allow is what a node may do. A node gets what is allowed here and asked for in its manifest.
type Allow struct {
	// HTTP requests, through the guarded client (see Egress).
	HTTP bool `json:"http,omitempty"`

	// The hosts that HTTP is limited to. Default: all that egress lets through.
	HTTPHosts []string `json:"http_hosts,omitempty"`

	// Lines in Caddy's log.
	Log bool `json:"log,omitempty"`

	// The time of day. Without it a node's clock stands at the start of the call.
	Clock bool `json:"clock,omitempty"`

	// Real random numbers. Without it they are a stream derived from the call, so that a call can
	// be replayed.
	Random bool `json:"random,omitempty"`

	// Reading globals, all but secret ones, and writing those that `globals_write` lists.
	Globals bool `json:"globals,omitempty"`
}

// Egress widens what nodes may reach by HTTP: by default public addresses only.
type Egress struct {
	// CIDR ranges, addresses, hosts or host:port pairs. Caddy's admin endpoint stays out of reach
	// unless it is named here as exactly its host:port. Placeholders are resolved when the config
	// is loaded. Default: none.
	Allow []string `json:"allow,omitempty"`
}

// typeName is how node types may be called.
var typeName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// checkTypeName refuses names that a node type of the operator's cannot have.
func checkTypeName(name string) error {
	if !typeName.MatchString(name) {
		return fmt.Errorf("'%s' cannot be the name of a node type: it takes 1 to 64 lower-case letters, digits and hyphens, a letter first", name)
	}
	if name == flow.TypeTrigger || slices.ContainsFunc(nodes.Builtin(), func(b nodes.Node) bool { return b.Type == name }) {
		return fmt.Errorf("'%s' is the name of a built-in node type; choose another", name)
	}
	return nil
}

// checkSource finds out where the module comes from. A server may give something else tomorrow than
// today, so that what it gives has to be pinned.
func (n *Node) checkSource() error {
	var err error
	if n.source, err = modulefetch.Parse(n.File); err != nil {
		return err
	}
	if n.source.Remote() && n.SHA256 == "" {
		return errors.New("sha256 is missing, which a module that is fetched must have; caddy flowtrux node inspect tells that of a file")
	}
	return nil
}

func (n *Node) checkMemory() error {
	if n.Memory == 0 { // that of limits
		return nil
	}
	if n.Memory < leastMemory || n.Memory > 4*gib {
		return fmt.Errorf("memory is %d bytes; it must be between 64KiB, a page of WebAssembly, and 4GiB", n.Memory)
	}
	return nil
}

// check resolves placeholders and refuses what cannot work.
func (n *Node) check(name string, repl *caddy.Replacer) error {
	if err := checkTypeName(name); err != nil {
		return err
	}
	if n == nil || n.File == "" {
		return errors.New("file is missing")
	}
	for _, s := range []*string{&n.File, &n.SHA256} {
		if err := resolve(repl, s); err != nil {
			return err
		}
	}
	if n.SHA256 != "" {
		if b, err := hex.DecodeString(n.SHA256); err != nil || len(b) != 32 {
			return errors.New("sha256 is not 64 hex digits")
		}
	}
	if err := n.checkSource(); err != nil {
		return err
	}
	if err := n.checkMemory(); err != nil {
		return err
	}
	if n.Timeout < 0 {
		return errors.New("timeout is negative")
	}
	if n.Fuel < 0 {
		return fmt.Errorf("fuel is %d; it must be above 0", n.Fuel)
	}
	if n.Snapshot != "" && n.Snapshot != "off" {
		return fmt.Errorf("snapshot is '%s'; it can only be 'off'", n.Snapshot)
	}
	return n.Allow.check(repl)
}

func (a *Allow) check(repl *caddy.Replacer) error {
	if a == nil {
		return nil
	}
	if len(a.HTTPHosts) > 0 && !a.HTTP {
		return errors.New("allow: http_hosts without http")
	}
	if err := resolveAll(repl, a.HTTPHosts); err != nil {
		return err
	}
	for _, host := range a.HTTPHosts {
		if err := egress.CheckHost(host); err != nil {
			return fmt.Errorf("allow http: %w", err)
		}
	}
	return nil
}

// grants is a as the sandbox wants it.
func (a *Allow) grants() hostapi.Grants {
	if a == nil {
		return hostapi.Grants{}
	}
	return hostapi.Grants{
		HTTP: a.HTTP, HTTPHosts: a.HTTPHosts, Log: a.Log, Clock: a.Clock, Random: a.Random, Globals: a.Globals,
	}
}

// checkPatterns refuses patterns of global keys that are malformed or can only name secrets.
func checkPatterns(patterns []string) error {
	for _, p := range patterns {
		if err := checkPattern(p); err != nil {
			return err
		}
	}
	return nil
}

func checkPattern(p string) error {
	if _, err := path.Match(p, ""); err != nil || p == "" {
		return fmt.Errorf("globals_write: '%s' is not a pattern", p)
	}
	if flow.IsSecretGlobal(p) {
		return fmt.Errorf("globals_write: '%s': secret globals cannot be written by nodes", p)
	}
	return nil
}

// resolve replaces the placeholders in *s. A placeholder that is unknown or empty is an error: it
// would otherwise silently mean another file or host.
func resolve(repl *caddy.Replacer, s *string) error {
	v, err := repl.ReplaceOrErr(*s, true, true)
	if err != nil {
		return fmt.Errorf("resolving '%s': %w", *s, err)
	}
	*s = v
	return nil
}

func resolveAll(repl *caddy.Replacer, list []string) error {
	for i := range list {
		if err := resolve(repl, &list[i]); err != nil {
			return err
		}
	}
	return nil
}
