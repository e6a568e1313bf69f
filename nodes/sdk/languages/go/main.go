// Command slugify is a node: it makes a text fit for a URL.
package main

import (
	"strings"

	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/typed"
)

// Config is what a workflow gives, templates resolved.
type Config struct {
	Text string `json:"text"`
	Max  int    `json:"max"` // bytes; 0 = no limit
}

// Output is what later nodes see as steps.<id>.output.
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
	Summary: "Makes a text fit for a URL.",
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
