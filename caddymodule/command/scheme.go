package command

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
)

const defaultScheme = "flowtrux"

// namedSchemes are the schemes that need no description.
var namedSchemes = signature.BuiltinSchemes()

// parseScheme returns the scheme that --scheme names or --signature-file describes.
func (o *signingOptions) parseScheme() (*signature.Scheme, error) {
	name := cmp.Or(o.scheme, defaultScheme)
	switch {
	case o.scheme != "" && o.signatureFile != "":
		return nil, errors.New("--scheme and --signature-file both name a scheme: give one of them")
	case o.signatureFile != "":
		return describedScheme(o.signatureFile)
	case name == "custom":
		return nil, errors.New("--scheme custom has no description: describe the scheme with --signature-file")
	case !slices.Contains(namedSchemes, name):
		return nil, fmt.Errorf("--scheme %q is not one of %s; describe others with --signature-file", name, strings.Join(namedSchemes, ", "))
	}
	return signature.ParseScheme(fmt.Appendf(nil, `{"scheme":%q}`, name))
}

// describedScheme reads the settings of a scheme from a workflow document, or a file that has
// nothing else.
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
