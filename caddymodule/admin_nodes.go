package caddymodule

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// builtinSource begins the source of a built-in node type, whichever file offers it.
const builtinSource = "built-in node "

func listNodes(app *App, w http.ResponseWriter, _ *http.Request) error {
	rows := make([]adminapi.NodeType, 0)
	for _, name := range app.types.Names() {
		var m *sandbox.Module
		typ, err := app.types.Type(name)
		if err == nil {
			m, err = app.types.Module(name)
		}
		if err != nil {
			return caddy.APIError{HTTPStatus: http.StatusInternalServerError, Err: fmt.Errorf("loading node type %s: %w", name, err)}
		}
		rows = append(rows, nodeTypeRow(name, typ, m))
	}
	return writeJSON(w, http.StatusOK, adminapi.NodeTypes{Nodes: rows})
}

func nodeTypeRow(name string, typ *flow.Type, m *sandbox.Module) adminapi.NodeType {
	limits, grants, digest := m.Limits(), m.Grants(), m.Digest()
	row := adminapi.NodeType{
		Type: name, Version: typ.Version, Summary: typ.Summary, Source: m.Source(), Digest: hex.EncodeToString(digest[:]),
		Builtin: isBuiltin(name),
		Schema:  typ.Schema, Handles: typ.Handles, HandlesFrom: typ.HandlesFrom, Fixed: typ.Fixed,
		Capabilities: grants.Names(), Refused: refusedCapabilities(typ, grants), Optional: typ.Optional,
		Memory: limits.Memory, Timeout: limits.Timeout.String(), Fuel: limits.Fuel, Slow: m.SnapshotObstacles(),
	}
	if row.Builtin {
		row.Source = builtinSource + name
	}
	for _, d := range typ.Defaults {
		row.Defaults = append(row.Defaults, adminapi.Default{With: d.With, Key: d.Key, Value: d.Value})
	}
	return row
}

// refusedCapabilities returns the capabilities that a type asks for and does not get.
func refusedCapabilities(typ *flow.Type, grants hostapi.Grants) (refused []string) {
	for _, name := range slices.Concat(typ.Capabilities, typ.Optional) {
		if !grants.Has(hostapi.Capability(name)) && !slices.Contains(refused, name) {
			refused = append(refused, name)
		}
	}
	return refused
}
