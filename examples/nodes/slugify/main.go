// Command slugify is a node in Go that turns a text into a URL slug.
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags="-s -w" -o slugify.wasm .
package main

import (
	"strings"
	"unicode"

	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/typed"
)

// config is the config of a workflow, templates resolved.
type config struct {
	Text string `json:"text"`
	Max  int    `json:"max"` // 0 = no limit
}

// output is the value of steps.<id>.output in later nodes.
type output struct {
	Slug string `json:"slug"`
}

func slugify(ctx *sdk.Context, in config) (output, error) {
	words := strings.FieldsFunc(strings.ToLower(in.Text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	slug := strings.Join(words, "-")
	if in.Max > 0 && len(slug) > in.Max {
		slug = strings.TrimRight(strings.ToValidUTF8(slug[:in.Max], ""), "-")
	}
	if slug == "" {
		return output{}, sdk.Fatal("empty_slug", "the text has no letters or digits")
	}
	sdk.Log(ctx, sdk.Debug, "made "+slug)
	return output{slug}, nil
}

var _ = sdk.Register(sdk.Node{
	Type:    "slugify",
	Version: "1.0.0",
	Summary: "Turns a text into a URL slug.",
	Config: `{
		"type": "object",
		"properties": {"text": {"type": "string"}, "max": {"type": "integer", "minimum": 1}},
		"required": ["text"],
		"additionalProperties": false
	}`,
	Capabilities: []string{"log"},
	Run:          typed.Func(slugify),
})

func main() {} // never called
