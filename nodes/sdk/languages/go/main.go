// Command slugify is a node that turns a text into a URL slug.
package main

import (
	"strings"

	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/typed"
)

// Config is the config of a workflow, templates resolved.
type Config struct {
	Text string `json:"text"`
	Max  int    `json:"max"` // bytes; 0 = no limit
}

// Output is the value of steps.<id>.output in later nodes.
type Output struct {
	Slug string `json:"slug"`
}

func slugify(ctx *sdk.Context, in Config) (Output, error) {
	words := strings.FieldsFunc(strings.ToLower(in.Text), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	slug := strings.Join(words, "-")
	if in.Max > 0 && len(slug) > in.Max {
		slug = strings.TrimRight(slug[:in.Max], "-")
	}
	if slug == "" {
		return Output{}, sdk.Fatal("empty_slug", "the text has no letters or digits")
	}
	return Output{slug}, nil
}

var node = sdk.Node{
	Type:    "slugify",
	Version: "1.0.0",
	Summary: "Turns a text into a URL slug.",
	Config: `{
		"type": "object",
		"properties": {"text": {"type": "string"}, "max": {"type": "integer", "minimum": 1}},
		"required": ["text"],
		"additionalProperties": false
	}`,
	Run:    typed.Func(slugify),
	Warmup: []string{`{"text":"Hello, World!","max":40}`},
}

var _ = sdk.Register(node)

func main() {} // never called
