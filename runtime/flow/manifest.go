package flow

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// Types provides the node types that documents may use. Implementations are safe for concurrent
// use.
type Types interface {
	// Type returns a type. The error is ErrNoType when there is none of that name; any other error
	// says why it is unavailable now.
	Type(name string) (*Type, error)
	Names() []string // for messages
}

// ErrNoType is the error of [Types] for an unknown type.
var ErrNoType = errors.New("there is no node type of that name")

// Signatures knows the schemes of signatures that webhooks may use. Implementations are safe for
// concurrent use.
type Signatures interface {
	// Parse compiles the settings in webhook.signature, raw JSON, or the default scheme when they
	// are nil. The scheme becomes [Webhook].Scheme. The paths of problems are below the settings,
	// with whole keys: "scheme", or "" for the settings themselves. A scheme that could be compiled
	// is there beside problems. Parse neither retains nor changes settings.
	Parse(settings []byte) (scheme any, problems []Problem)

	// CheckSecret returns why senders of a scheme that Parse has returned cannot use a secret, or
	// "" if they can. The reason does not show the secret.
	CheckSecret(scheme any, secret Secret) (reason string)

	// CheckHeader returns why no request can have a header, given by its canonical name, or "" if
	// one can. [CompileNew] asks it about the headers that are named outside of the settings.
	CheckHeader(name string) (reason string)
}

// Preparer is implemented by Types that have types with Fixed keys. It prepares the nodes of one
// document.
type Preparer interface {
	// Prepare passes the fixed part of a config to a type's module: an object with those of the
	// Fixed keys that the config has. It returns paths of templates, as in trigger.data, whose
	// values are added to the config, and the fuel used. A *PrepareError reports what is wrong with
	// fixed. A *FuelError or a *MemoryError reports that all nodes together take more than there
	// is. Any other error says why the result is unknown. After an error of the last three kinds
	// Prepare is not called again.
	Prepare(name string, fixed []byte) (reads []string, fuel uint64, err error)
}

// PrepareError is the reason, in one line, for which a module rejects the fixed part of a config.
type PrepareError struct{ Reason string }

// Error returns the reason.
func (e *PrepareError) Error() string { return e.Reason }

// MemoryError reports that the prepared nodes of a document take more memory than they may, in
// bytes.
type MemoryError struct{ Taken, Limit int64 }

// Error returns both sizes.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("with it the document's nodes keep %d bytes of memory after they were prepared, and all of them together may keep %d, a quarter of limits sandbox_memory",
		e.Taken, e.Limit)
}

// FuelError reports that the fuel for preparing a document is used up.
type FuelError struct{ Limit uint64 }

// Error returns the limit.
func (e *FuelError) Error() string {
	return fmt.Sprintf("the %d units of fuel for preparing the document are used up", e.Limit)
}

// Type is a node type as a workflow sees it: the manifest of its module, decoded by [ParseType]. It
// is immutable and safe for concurrent use.
type Type struct {
	Name        string
	Version     string
	Summary     string
	Schema      []byte   // of the config: JSON Schema 2020-12, raw; nil = any object
	Handles     []string // the fixed handles of a node that routes
	HandlesFrom string   // where the config names more handles: cases[].name; "" = nowhere
	Defaults    []Default
	// keys of the config without templates, which the module gets in advance, see Preparer
	Fixed        []string
	Capabilities []string // that it needs: http, log, clock, random, globals
	Optional     []string // capabilities that it can work without
	HidesSecrets bool     // it gets secret references instead of secrets

	schema      *jsonschema.Schema // compiled Schema
	handlesFrom []string           // HandlesFrom in steps; "[]" = each element
}

// Default is a config key that is added to a config that lacks it.
type Default struct {
	With  string // only to a config that has this key; "" = to each
	Key   string
	Value []byte // raw JSON, may hold templates
}

// Routes reports whether edges from nodes of this type are followed by handle.
func (t *Type) Routes() bool { return len(t.Handles) > 0 || t.HandlesFrom != "" }

var capabilities = []string{"http", "log", "clock", "random", "globals"}

// ParseType decodes a module's manifest, the JSON that its describe export returns:
//
//	{"abi": 1, "type": "switch", "version": "1.0.0", "summary": "...",
//	 "config": {},                    JSON Schema 2020-12 of the config; no outside references
//	 "handles": ["default"],          fixed handles
//	 "handlesFrom": "cases[].name",   handles that the config names
//	 "defaults": [{"with": "operations", "key": "input", "value": "{{trigger.data}}"}],
//	 "fixed": ["source"],             keys without templates, for the prepare export
//	 "capabilities": ["log"],
//	 "optional": ["http"],            capabilities that it can work without
//	 "secrets": "handles"}            secret references instead of secrets
//
// abi, type and version are required. A manifest has at most 128 KiB. The error is a
// *[DocumentError] whose paths are those of the manifest. raw is neither retained nor changed.
func ParseType(raw []byte) (*Type, error) {
	t, r := &Type{}, &report{}
	if doc, ok := r.open(raw, maxManifest, nil); ok {
		r.manifest(doc, t)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return t, nil
}

func (r *report) manifest(doc value, t *Type) {
	known := []string{
		"abi", "type", "version", "summary", "config", "handles", "handlesFrom", "defaults", "fixed", "capabilities", "optional", "secrets",
	}
	seen := r.members(doc, known, func(key string, v value) {
		switch key {
		case "abi":
			if n, ok := r.integer(v, 0, 1<<30); ok && n != abi.Version {
				r.add(v.at, "is %d: the module was built for another version of the node ABI, this host speaks %d", n, abi.Version)
			}
		case "type":
			t.Name = r.typeName(v)
		case "version":
			t.Version = r.line(v, 1, 64)
		case "summary":
			t.Summary = r.line(v, 0, 512)
		case "config":
			t.Schema = v.raw
			t.schema = r.compileSchema(v)
		case "handles":
			t.Handles = r.handles(v)
		case "handlesFrom":
			t.HandlesFrom, t.handlesFrom = r.handlesPath(v)
		case "defaults":
			r.elements(v, func(_ int, e value) { t.Defaults = append(t.Defaults, r.defaultOf(e)) })
		case "secrets":
			_, t.HidesSecrets = r.oneOf(v, "handles")
		case "fixed":
			r.elements(v, func(_ int, e value) {
				if key, ok := r.text(e); ok {
					t.Fixed = append(t.Fixed, r.once(e, key, t.Fixed))
				}
			})
		case "capabilities":
			r.elements(v, func(_ int, e value) { t.Capabilities = append(t.Capabilities, r.capability(e, t.Capabilities)) })
		case "optional":
			r.elements(v, func(_ int, e value) { t.Optional = append(t.Optional, r.capability(e, t.Optional)) })
		}
	})
	r.require(doc, seen, "abi", "type", "version")
}

func (r *report) capability(v value, before []string) string {
	word, ok := r.oneOf(v, capabilities...)
	if !ok {
		return ""
	}
	return r.once(v, word, before)
}

// once reports a word that is already among before.
func (r *report) once(v value, word string, before []string) string {
	if slices.Contains(before, word) {
		r.add(v.at, "is given twice")
	}
	return word
}

func (r *report) typeName(v value) string {
	name, ok := r.text(v)
	switch {
	case !ok:
	case name == TypeTrigger:
		r.add(v.at, "a module cannot offer the node type %s; rename it in the module", message.Quoted(name))
	case !ValidID(name):
		r.add(v.at, "%s must be a letter or digit, then at most 63 letters, digits, - or _", message.Quoted(name))
	}
	return name
}

// line reads a text of one line.
func (r *report) line(v value, least, most int) string {
	s, ok := r.text(v)
	if ok && (len(s) < least || len(s) > most || strings.ContainsFunc(s, isControl)) {
		r.add(v.at, "must be one line of %d to %d bytes", least, most)
	}
	return s
}

func isControl(c rune) bool { return c < 0x20 || c == 0x7f }

func (r *report) handles(v value) []string {
	var handles []string
	r.elements(v, func(_ int, e value) {
		if len(handles) == maxHandles {
			r.add(v.at, "has more than %d handles", maxHandles)
			return
		}
		h, ok := r.text(e)
		if !ok {
			return
		}
		if reason := badHandle(h, handles); reason != "" {
			r.add(e.at, "%s", reason)
		}
		handles = append(handles, h)
	})
	return handles
}

// badHandle returns why h cannot be a handle beside taken, or "".
func badHandle(h string, taken []string) string {
	switch {
	case h == "" || len(h) > abi.MaxLabel:
		return "a handle must have 1 to 255 bytes"
	case strings.Contains(h, "{{"):
		return "a handle must be fixed text, not a template"
	case h == HandleError:
		return `the handle "error" is taken when a node fails; choose another name`
	case slices.Contains(taken, h):
		return "the handle " + message.Quoted(h) + " is there twice"
	}
	return ""
}

// handlesPath reads a path of keys and "[]" such as cases[].name.
func (r *report) handlesPath(v value) (string, []string) {
	s, ok := r.text(v)
	if !ok {
		return "", nil
	}
	var steps []string
	for key := range strings.SplitSeq(s, ".") {
		key, each := strings.CutSuffix(key, "[]")
		if !ValidID(key) {
			r.add(v.at, "%s must be a path such as cases[].name", message.Quoted(s))
			return "", nil
		}
		if steps = append(steps, key); each {
			steps = append(steps, "[]")
		}
	}
	return s, steps
}

func (r *report) defaultOf(v value) Default {
	var d Default
	seen := r.members(v, []string{"with", "key", "value"}, func(key string, m value) {
		switch key {
		case "with":
			d.With, _ = r.text(m)
		case "key":
			d.Key, _ = r.text(m)
		case "value":
			d.Value = m.raw
			// No document is known yet: a default may use every root but steps and what only
			// forEach has.
			b := builder{report: r, binder: binder{node: func(string) (int, error) {
				return 0, errors.New("a default cannot name nodes")
			}}}
			b.template(m)
		}
	})
	r.require(v, seen, "key", "value")
	return d
}
