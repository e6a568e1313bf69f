package caddymodule

import (
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"

	"github.com/flowtrux/edge/runtime/egress"
)

// options are the options of a block by name.
type options map[string]option

// option is one option of a block. parse is called with the dispenser at the option's name and
// reads its arguments.
type option struct {
	parse   func() error
	repeats bool // may be given several times
}

// parseBlock reads the rest of a line, which must be a block or nothing, and the block's options.
func parseBlock(d *caddyfile.Dispenser, known options) error {
	if d.NextArg() {
		return d.Errf("unexpected argument '%s'", d.Val())
	}
	seen := make(map[string]bool, len(known))
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		o, ok := known[name]
		if !ok {
			return d.Errf("unrecognized option '%s'; allowed are: %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if seen[name] && !o.repeats {
			return d.Errf("option '%s' is given twice", name)
		}
		seen[name] = true
		if err := o.parse(); err != nil {
			return err
		}
	}
	return nil
}

// parseNode reads one node type. Syntax:
//
//	node <type> <file|https://...|oci://...> {
//		sha256 <hex>
//		allow http [<host>...]
//		allow log|clock|random|globals
//		memory <size>
//		timeout <duration>
//		fuel <units>
//		snapshot off
//	}
func (a *App) parseNode(d *caddyfile.Dispenser) error {
	var name string
	n := new(Node)
	if !d.Args(&name, &n.File) {
		return d.Err("wrong argument count: a node has a type and a module: node <type> <file|https://...|oci://...>")
	}
	if err := checkTypeName(name); err != nil {
		return d.WrapErr(err)
	}
	if a.Nodes[name] != nil {
		return d.Errf("node '%s' is declared twice", name)
	}
	if a.Nodes == nil {
		a.Nodes = make(map[string]*Node)
	}
	a.Nodes[name] = n
	line := *d // errors about the node as a whole name its first line
	if err := parseBlock(d, n.options(d)); err != nil {
		return err
	}
	if placeholder(n.File) {
		return nil
	}
	if err := n.checkSource(); err != nil {
		return line.WrapErr(err)
	}
	return nil
}

// options returns the options of a node's block.
func (n *Node) options(d *caddyfile.Dispenser) options {
	return options{
		"sha256": {parse: func() error {
			if err := parseText(d, &n.SHA256); err != nil {
				return err
			}
			if b, err := hex.DecodeString(n.SHA256); (err != nil || len(b) != 32) && !placeholder(n.SHA256) {
				return d.Err("sha256 takes 64 hex digits")
			}
			return nil
		}},
		"allow": {parse: func() error { return n.parseAllow(d) }, repeats: true},
		"memory": {parse: func() error {
			if err := parseSize(d, &n.Memory); err != nil {
				return err
			}
			if err := n.checkMemory(); err != nil {
				return d.WrapErr(err)
			}
			return nil
		}},
		"timeout": {parse: func() error { return parseDuration(d, &n.Timeout) }},
		"fuel":    {parse: func() error { return parseCount(d, &n.Fuel) }},
		"snapshot": {parse: func() error {
			if err := parseText(d, &n.Snapshot); err != nil {
				return err
			}
			if n.Snapshot != "off" {
				return d.Errf("snapshot is '%s'; it can only be 'off'", n.Snapshot)
			}
			return nil
		}},
	}
}

// parseAllow reads one capability of a node.
func (n *Node) parseAllow(d *caddyfile.Dispenser) error {
	if n.Allow == nil {
		n.Allow = new(Allow)
	}
	flags := map[string]*bool{
		"http": &n.Allow.HTTP, "log": &n.Allow.Log, "clock": &n.Allow.Clock,
		"random": &n.Allow.Random, "globals": &n.Allow.Globals,
	}
	known := strings.Join(slices.Sorted(maps.Keys(flags)), ", ")
	if !d.NextArg() {
		return d.Errf("allow takes a capability: %s", known)
	}
	name := d.Val()
	flag, ok := flags[name]
	if !ok {
		return d.Errf("unrecognized capability '%s'; allowed are: %s", name, known)
	}
	if *flag {
		return d.Errf("'allow %s' is given twice", name)
	}
	*flag = true
	if name == "http" {
		n.Allow.HTTPHosts = d.RemainingArgs()
		return checkArgs(d, n.Allow.HTTPHosts, egress.CheckHost)
	}
	if d.NextArg() {
		return d.Errf("unexpected argument '%s': one capability a line", d.Val())
	}
	return nil
}

// parse reads the egress block. Syntax:
//
//	egress {
//		allow <cidr|host>...
//	}
func (e *Egress) parse(d *caddyfile.Dispenser) error {
	return parseBlock(d, options{
		"allow": {parse: func() error { return parseList(d, &e.Allow, checkAllow) }, repeats: true},
	})
}

// checkAllow rejects entries that egress cannot allow.
func checkAllow(entry string) error {
	if err := egress.CheckAllow(entry); err != nil {
		return fmt.Errorf("egress: %w", err)
	}
	return nil
}

// parse reads the limits block. Syntax: one `<name> <size|duration|number>` a line, the names of
// the JSON config.
func (l *Limits) parse(d *caddyfile.Dispenser) error {
	if err := parseBlock(d, l.options(d)); err != nil {
		return err
	}
	given := *l // so that the JSON has no defaults
	if err := given.check(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// options returns the options of the limits block. Each value is checked on its line.
func (l *Limits) options(d *caddyfile.Dispenser) options {
	checked := func(parse func() error) option {
		return option{parse: func() error {
			if err := parse(); err != nil {
				return err
			}
			given := *l
			if err := given.checkEach(); err != nil {
				return d.WrapErr(err)
			}
			return nil
		}}
	}
	size := func(v *int64) option { return checked(func() error { return parseSize(d, v) }) }
	wait := func(v *caddy.Duration) option { return checked(func() error { return parseDuration(d, v) }) }
	count := func(v *int) option { return checked(func() error { return parseCount(d, v) }) }
	return options{
		"body":              size(&l.Body),
		"body_timeout":      wait(&l.BodyTimeout),
		"body_memory":       size(&l.BodyMemory),
		"executions":        count(&l.Executions),
		"queue_wait":        wait(&l.QueueWait),
		"node_memory":       size(&l.NodeMemory),
		"node_timeout":      wait(&l.NodeTimeout),
		"node_input":        size(&l.NodeInput),
		"node_output":       size(&l.NodeOutput),
		"foreach_items":     count(&l.ForEachItems),
		"execution_memory":  size(&l.ExecutionMemory),
		"execution_timeout": wait(&l.ExecutionTimeout),
		"sandbox_memory":    size(&l.SandboxMemory),
	}
}

// parseText reads exactly one argument that is not empty.
func parseText(d *caddyfile.Dispenser, v *string) error {
	name := d.Val()
	if !d.AllArgs(v) {
		return d.Errf("wrong argument count: %s takes 1", name)
	}
	if *v == "" {
		return d.Errf("%s is empty", name)
	}
	return nil
}

// parseList reads one argument or more, each of which check accepts.
func parseList(d *caddyfile.Dispenser, v *[]string, check func(string) error) error {
	name, args := d.Val(), d.RemainingArgs()
	if len(args) == 0 {
		return d.Errf("wrong argument count: %s takes at least 1", name)
	}
	*v = append(*v, args...)
	return checkArgs(d, args, check)
}

// checkArgs checks arguments, except those that are known only when the config is loaded.
func checkArgs(d *caddyfile.Dispenser, args []string, check func(string) error) error {
	for _, arg := range args {
		if placeholder(arg) {
			continue
		}
		if err := check(arg); err != nil {
			return d.WrapErr(err)
		}
	}
	return nil
}

// placeholder reports whether an argument may have placeholders, which are resolved when the config
// is loaded.
func placeholder(arg string) bool { return strings.Contains(arg, "{") }

// parseSize reads a number of bytes, such as 512KiB, 1MiB or 65536.
func parseSize(d *caddyfile.Dispenser, v *int64) error {
	name, text := d.Val(), ""
	if err := parseText(d, &text); err != nil {
		return err
	}
	n, err := humanize.ParseBytes(text)
	if err != nil || n == 0 || n > math.MaxInt64 {
		return d.Errf("%s is '%s'; it takes a size above 0, such as 512KiB or 1MiB", name, text)
	}
	*v = int64(n)
	return nil
}

// parseDuration reads a time such as 500ms or 72h.
func parseDuration(d *caddyfile.Dispenser, v *caddy.Duration) error {
	name, text := d.Val(), ""
	if err := parseText(d, &text); err != nil {
		return err
	}
	t, err := caddy.ParseDuration(text)
	if err != nil || t <= 0 {
		return d.Errf("%s is '%s'; it takes a duration above 0, such as 500ms or 10s", name, text)
	}
	*v = caddy.Duration(t)
	return nil
}

// parseCount reads a number above 0.
func parseCount[T int | int64](d *caddyfile.Dispenser, v *T) error {
	name, text := d.Val(), ""
	if err := parseText(d, &text); err != nil {
		return err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return d.Errf("%s is '%s'; it takes a whole number above 0", name, text)
	}
	if *v = T(n); int64(*v) != n {
		return d.Errf("%s is %s; that is too much", name, text)
	}
	return nil
}
