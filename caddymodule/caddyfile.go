package caddymodule

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// parseApp reads the global option. Syntax:
//
//	flowtrux {
//		store <engine> [...]
//		journal <engine> [...]
//		machine <name>
//		node <type> <file|https://...|oci://...> {
//			...
//		}
//		nodes <file|https://...|oci://...> {
//			...
//		}
//		globals_write <key pattern>...
//		egress {
//			allow <cidr|host>...
//		}
//		limits {
//			...
//		}
//		tracing
//	}
//
// Everything is optional. Only node and nodes can be repeated.
func parseApp(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		d.Next() // so that the error names the line
		return nil, d.Err("the global option flowtrux is given twice; write everything in one block")
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: appName, Value: caddyconfig.JSON(app, nil)}, nil
}

// UnmarshalCaddyfile reads the block of the global option; see parseApp for the syntax.
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the option's name
	return parseBlock(d, options{
		"store": {parse: func() (err error) {
			a.StoreRaw, err = parseEngine(d, storeNamespace)
			return err
		}},
		"journal": {parse: func() (err error) {
			a.JournalRaw, err = parseEngine(d, journalNamespace)
			return err
		}},
		"machine":       {parse: func() error { return parseChecked(d, &a.Machine, checkMachine) }},
		"node":          {parse: func() error { return a.parseNode(d) }, repeats: true},
		"nodes":         {parse: func() error { return a.parseNodes(d) }, repeats: true},
		"globals_write": {parse: func() error { return parseList(d, &a.GlobalsWrite, checkPattern) }},
		"egress":        {parse: func() error { a.Egress = new(Egress); return a.Egress.parse(d) }},
		"limits":        {parse: func() error { a.Limits = new(Limits); return a.Limits.parse(d) }},
		"tracing":       {parse: func() error { return parseWord(d, &a.Tracing) }},
	})
}

// parseEngine reads `<engine> [...]` by the module's own rules and returns its config with the
// engine's name.
func parseEngine(d *caddyfile.Dispenser, namespace string) (json.RawMessage, error) {
	known := engineNames(namespace)
	if option := d.Val(); !d.NextArg() {
		return nil, d.Errf("%s takes the name of an engine: %s", option, strings.Join(known, ", "))
	}
	name := d.Val()
	if !slices.Contains(known, name) {
		return nil, d.Errf("unknown engine '%s'; known are: %s", name, strings.Join(known, ", "))
	}
	module, err := caddyfile.UnmarshalModule(d, namespace+"."+name)
	if err != nil {
		return nil, err
	}
	return caddyconfig.JSONModuleObject(module, engineKey, name, nil), nil
}

// parseHandler reads the directive. Syntax:
//
//	flowtrux [<matcher>] {
//		prefix <path>
//		unknown_workflow 404|401
//	}
func parseHandler(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	err := handler.UnmarshalCaddyfile(h.Dispenser)
	return handler, err
}

// UnmarshalCaddyfile reads the directive without its matcher; see parseHandler for the syntax.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	return parseBlock(d, options{
		"prefix": {parse: func() error { return parseChecked(d, &h.Prefix, checkPrefix) }},
		"unknown_workflow": {parse: func() error {
			var text string
			if err := parseText(d, &text); err != nil {
				return err
			}
			switch text {
			case strconv.Itoa(http.StatusNotFound):
				h.UnknownWorkflow = http.StatusNotFound
			case strconv.Itoa(http.StatusUnauthorized):
				h.UnknownWorkflow = http.StatusUnauthorized
			default:
				return d.Errf("unknown_workflow is '%s'; it can be 404 or 401", text)
			}
			return nil
		}},
	})
}

// parseChecked reads one text and checks it.
func parseChecked(d *caddyfile.Dispenser, into *string, check func(string) error) error {
	if err := parseText(d, into); err != nil {
		return err
	}
	if err := check(*into); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// parseWord reads an option that is on when it is there.
func parseWord(d *caddyfile.Dispenser, into *bool) error {
	option := d.Val()
	*into = true
	if d.NextArg() {
		return d.Errf("%s takes no argument: '%s'", option, d.Val())
	}
	return nil
}

// parseConsole reads the directive. Syntax:
//
//	flowtrux_console [<matcher>] {
//		prefix <path>
//		authenticated_by <placeholder>
//		read_only
//	}
func parseConsole(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	c := new(Console)
	err := c.UnmarshalCaddyfile(h.Dispenser)
	return c, err
}

// UnmarshalCaddyfile reads the directive without its matcher; see parseConsole for the syntax.
func (c *Console) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	return parseBlock(d, options{
		"prefix": {parse: func() error { return parseChecked(d, &c.Prefix, checkPrefix) }},
		"authenticated_by": {parse: func() error {
			return parseChecked(d, &c.AuthenticatedBy, checkAuthenticatedBy)
		}},
		"read_only": {parse: func() error { return parseWord(d, &c.ReadOnly) }},
	})
}

// Interface guards
var (
	_ caddyfile.Unmarshaler = (*App)(nil)
	_ caddyfile.Unmarshaler = (*Handler)(nil)
	_ caddyfile.Unmarshaler = (*Console)(nil)
)
