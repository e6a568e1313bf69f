// Command slugify is a node in Go: it makes a text fit for a URL.
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags="-s -w" -o slugify.wasm .
package main

import (
	"strings"
	"unicode"

	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/typed"
)

// config is what a workflow gives, templates resolved.
type config struct {
	Text string `json:"text"`
	Max  int    `json:"max"` // 0 = no limit
}

// output is what later nodes see as steps.<id>.output.
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
	Summary: "Makes a text fit for a URL.",
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
