package hostapi

import (
	"slices"
	"strings"
)

// Capability is a permission that a node can have, by its name in manifests and Caddyfiles.
type Capability string

// The capabilities.
const (
	CapHTTP   Capability = "http"   // requests through the guarded client
	CapLog    Capability = "log"    // lines in the node's log
	CapClock  Capability = "clock"  // the real time instead of the call's start
	CapRandom Capability = "random" // real randomness instead of a reproducible stream
	// reading globals that are not secret, and writing those that the operator's patterns allow
	CapGlobals Capability = "globals"
)

// Capabilities returns all capabilities, in display order. The caller owns the result.
func Capabilities() []Capability { return slices.Clone(capabilities[:]) }

var capabilities = [...]Capability{CapHTTP, CapLog, CapClock, CapRandom, CapGlobals}

// Grants are the capabilities of a node: those that its manifest asks for and the operator allows.
// The zero value grants nothing.
type Grants struct {
	HTTP      bool
	HTTPHosts []string // hosts that http is limited to; empty = all that egress allows
	Log       bool
	Clock     bool
	Random    bool
	Globals   bool
}

// GrantsOf returns the grants with these names. Names that are no capability are ignored.
func GrantsOf(names ...string) Grants {
	var out Grants
	for _, name := range names {
		if p := out.field(Capability(name)); p != nil {
			*p = true
		}
	}
	return out
}

// Has reports whether c is granted. A capability that does not exist never is.
func (g Grants) Has(c Capability) bool {
	if p := g.field(c); p != nil {
		return *p
	}
	return false
}

func (g *Grants) field(c Capability) *bool {
	switch c {
	case CapHTTP:
		return &g.HTTP
	case CapLog:
		return &g.Log
	case CapClock:
		return &g.Clock
	case CapRandom:
		return &g.Random
	case CapGlobals:
		return &g.Globals
	}
	return nil
}

// Only returns g restricted to the capabilities in wanted.
func (g Grants) Only(wanted []Capability) Grants {
	var out Grants
	for _, c := range wanted {
		if p := out.field(c); p != nil {
			*p = g.Has(c)
		}
	}
	if out.HTTP {
		out.HTTPHosts = g.HTTPHosts
	}
	return out
}

// Names lists the granted capabilities, with the hosts of http in parentheses.
func (g Grants) Names() []string {
	var names []string
	for _, c := range capabilities {
		if !g.Has(c) {
			continue
		}
		name := string(c)
		if c == CapHTTP && len(g.HTTPHosts) > 0 {
			name += "(" + strings.Join(g.HTTPHosts, " ") + ")"
		}
		names = append(names, name)
	}
	return names
}
