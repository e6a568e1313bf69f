package caddymodule

import (
	"encoding/hex"
	"errors"
	"fmt"
	"path"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/egress"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/modulefetch"
)

// Node declares a custom node type: a WebAssembly module that workflows can use by the name under
// which it is declared. It is the type's configuration, other than flow.Node, a node of a workflow.
type Node struct {
	// The module: a file; `https://<host>/<path>`; `oci://<registry>/<name>:<tag>` or
	// `…@sha256:<hex>` for an OCI artifact, of which the layer with media type `application/wasm`
	// is used; or `builtin:<type>` for the module of a built-in node type, such as `builtin:code`.
	// Required. Placeholders such as `{env.HOME}` are resolved when the config is loaded.
	//
	// Remote modules are fetched once, when a config is loaded, and stored in Caddy's data
	// directory. If a module cannot be fetched, the config is not loaded.
	File string `json:"file,omitempty"`

	// SHA-256 of the module in hex. With another module the config is not loaded. Required for
	// remote modules. Default: any file is accepted.
	SHA256 string `json:"sha256,omitempty"`

	// Capabilities that the node gets if its manifest requests them. Default: none.
	Allow *Allow `json:"allow,omitempty"`

	// Maximum linear memory of a call, in bytes. Default: `limits.node_memory`.
	Memory int64 `json:"memory,omitempty"`

	// Timeout of a call. `limits.node_timeout` and the workflow can shorten it. Default:
	// `limits.node_timeout`.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// Fuel budget of a call, about one unit per WebAssembly instruction. Unlike a timeout, it is
	// the same on every machine. Default: no budget.
	Fuel int64 `json:"fuel,omitempty"`

	// How each call gets a clean instance. With `off` the module is started for each call, and the
	// call takes that much longer. Default: instances are put back to a snapshot of the started and
	// warmed up module.
	Snapshot string `json:"snapshot,omitempty"`

	source modulefetch.Source // what File says; set by check
}

// Allow lists capabilities. A node gets those that are allowed here and requested in its manifest.
type Allow struct {
	// HTTP requests, through the guarded client (see Egress).
	HTTP bool `json:"http,omitempty"`

	// Hosts to which HTTP requests are limited. Default: all that egress allows.
	HTTPHosts []string `json:"http_hosts,omitempty"`

	// Writing lines to Caddy's log.
	Log bool `json:"log,omitempty"`

	// The time of day. Without it, the node's clock stands still at the start of the call.
	Clock bool `json:"clock,omitempty"`

	// Real random numbers. Without it, random numbers are derived from the call, so that it can be
	// replayed.
	Random bool `json:"random,omitempty"`

	// Reading all globals but secret ones, and writing those that `globals_write` lists.
	Globals bool `json:"globals,omitempty"`
}

// Egress extends what nodes may reach by HTTP. By default that is only public addresses.
type Egress struct {
	// CIDR ranges, addresses, hosts or host:port pairs. Caddy's admin endpoint is not reachable
	// unless its exact host:port is listed here. Placeholders are resolved when the config is
	// loaded. Default: none.
	Allow []string `json:"allow,omitempty"`
}

// checkTypeName rejects names that a custom node type cannot have.
func checkTypeName(name string) error {
	if !abi.ValidTypeName(name) {
		return badTypeName(name)
	}
	if name == flow.TypeTrigger || isBuiltin(name) {
		return fmt.Errorf("'%s' is the name of a built-in node type; choose another", name)
	}
	return nil
}

func badTypeName(name string) error {
	return fmt.Errorf("'%s' cannot be the name of a node type: it takes 1 to %d lower-case letters, digits and hyphens, a letter first", name, abi.MaxTypeName)
}

// isBuiltin reports whether a node type is built in.
func isBuiltin(name string) bool {
	_, _, ok := nodes.Find(name)
	return ok
}

// checkSource finds out where the module comes from. A server may give something else tomorrow than
// today, so that what it gives has to be pinned.
func (n *Node) checkSource() error {
	var err error
	if n.source, err = modulefetch.Parse(n.File); err != nil {
		return err
	}
	if n.source.Remote() && n.SHA256 == "" {
		return errors.New("sha256 is missing, which a remote module must have; caddy flowtrux node inspect prints that of a file")
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

// check resolves placeholders and rejects what cannot work.
func (n *Node) check(name string, repl *caddy.Replacer) error {
	if err := checkTypeName(name); err != nil {
		return err
	}
	if n == nil || n.File == "" {
		return errors.New("file is missing")
	}
	if err := n.checkModule(repl); err != nil {
		return err
	}
	if err := n.checkSource(); err != nil {
		return err
	}
	return n.checkSettings(repl)
}

// checkModule resolves the placeholders of the module, and checks its digest.
func (n *Node) checkModule(repl *caddy.Replacer) error {
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
	return nil
}

// checkSettings checks everything but the module.
func (n *Node) checkSettings(repl *caddy.Replacer) error {
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

// grants converts a for the sandbox.
func (a *Allow) grants() hostapi.Grants {
	if a == nil {
		return hostapi.Grants{}
	}
	return hostapi.Grants{
		HTTP: a.HTTP, HTTPHosts: a.HTTPHosts, Log: a.Log, Clock: a.Clock, Random: a.Random, Globals: a.Globals,
	}
}

// checkPatterns rejects patterns of globals that are malformed or match only secrets.
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

// resolve replaces the placeholders in *s. A placeholder that is unknown or empty is an error:
// otherwise *s would silently name another file or host.
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
