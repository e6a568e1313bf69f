package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
)

// namedSchemes are the schemes that need no description.
var namedSchemes = []string{"flowtrux", "github", "stripe", "slack", "shopify", "standard-webhooks"}

// signingScheme is the scheme that --scheme names or --signature-file describes.
func signingScheme(cmd *cobra.Command) (*signature.Scheme, error) {
	name, file := text(cmd, "scheme"), text(cmd, "signature-file")
	switch {
	case file != "" && cmd.Flags().Changed("scheme"):
		return nil, errors.New("--scheme and --signature-file both say how to sign: give one of them")
	case file != "":
		return describedScheme(file)
	case name == "custom":
		return nil, errors.New("--scheme custom says too little: describe the scheme with --signature-file")
	case !slices.Contains(namedSchemes, name):
		return nil, fmt.Errorf("--scheme %q is not one of %s; others are described with --signature-file", name, strings.Join(namedSchemes, ", "))
	}
	return signature.ParseScheme(fmt.Appendf(nil, `{"scheme":%q}`, name))
}

// describedScheme reads the settings of a scheme: those of a workflow document, or the file itself.
func describedScheme(file string) (*signature.Scheme, error) {
	doc, err := readDocument(file)
	if err != nil {
		return nil, err
	}
	settings := doc
	if rawjson.Check(doc, flow.MaxDepth) == nil && rawjson.KindOf(rawjson.Get(doc, "nodes")) == rawjson.Array {
		settings = flow.DecodeLenient(doc).Signature // nil where the workflow has the default
	}
	scheme, err := signature.ParseScheme(settings)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return scheme, nil
}
