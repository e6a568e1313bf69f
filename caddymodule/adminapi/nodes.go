package adminapi

import "encoding/json"

// NodeTypes is the response of GET nodes.
type NodeTypes struct {
	Nodes []NodeType `json:"nodes"` // sorted by type
}

// NodeType is one node type that workflows can use.
type NodeType struct {
	Type    string `json:"type"`
	Version string `json:"version"`
	Summary string `json:"summary"`
	Source  string `json:"source"` // "built-in node ...", or the file or address
	Digest  string `json:"digest"` // SHA-256 of the module in hex
	Builtin bool   `json:"builtin"`

	// Schema is the JSON Schema of the config; nil = any object.
	Schema  json.RawMessage `json:"schema,omitempty"`
	Handles []string        `json:"handles,omitempty"`
	// where the config names more: cases[].name
	HandlesFrom string    `json:"handlesFrom,omitempty"`
	Defaults    []Default `json:"defaults,omitempty"`
	Fixed       []string  `json:"fixed,omitempty"` // keys of the config without templates

	Capabilities []string `json:"capabilities,omitempty"` // requested and granted
	Refused      []string `json:"refused,omitempty"`      // requested and not granted
	Optional     []string `json:"optional,omitempty"`     // those that it can work without

	Memory  uint64   `json:"memory"`         // limit of a call, in bytes
	Timeout string   `json:"timeout"`        // of a call
	Fuel    uint64   `json:"fuel,omitempty"` // budget of a call; 0 = none
	Slow    []string `json:"slow,omitempty"` // why each call gets a new instance
}

// Default is a key that is added to a config that lacks it.
type Default struct {
	With  string          `json:"with,omitempty"` // only to a config that has this key
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}
