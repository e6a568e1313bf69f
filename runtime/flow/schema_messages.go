package flow

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/flowtrux/edge/runtime/internal/message"
)

// reasonOf returns the message for an error without causes.
func reasonOf(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return fmt.Sprintf("must be %s, not %s", typeNames(k.Want), typeNames([]string{k.Got}))
	case *kind.Const:
		return "must be " + constants([]any{k.Want})
	case *kind.Enum:
		return "must be " + constants(k.Want) + likelyConstant(k.Got, k.Want)
	case *kind.Pattern:
		return "must match the pattern " + message.InQuotes(k.Want)
	case *kind.Format:
		return "must have the format " + message.InQuotes(k.Want)
	case *kind.MinLength:
		return "must have at least " + count(k.Want, "character")
	case *kind.MaxLength:
		return "must have at most " + count(k.Want, "character")
	case *kind.MinItems:
		return "must have at least " + count(k.Want, "element")
	case *kind.MaxItems:
		return "must have at most " + count(k.Want, "element")
	case *kind.MinProperties:
		return "must have at least " + count(k.Want, "member")
	case *kind.MaxProperties:
		return "must have at most " + count(k.Want, "member")
	case *kind.Minimum:
		return "must be at least " + decimal(k.Want)
	case *kind.Maximum:
		return "must be at most " + decimal(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + decimal(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + decimal(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + decimal(k.Want)
	case *kind.UniqueItems:
		return fmt.Sprintf("has the same element at %d and %d", k.Duplicates[0], k.Duplicates[1])
	case *kind.Contains, *kind.MinContains:
		return "lacks an element that must be there"
	case *kind.MaxContains:
		return "has too many elements of one form"
	case *kind.FalseSchema, *kind.Not:
		return "is not allowed here"
	default:
		return "does not match the schema"
	}
}

// likelyConstant returns a suggestion for a value that should be one of values. It shows only
// those.
func likelyConstant(got any, values []any) string {
	word, ok := got.(string)
	if !ok {
		return ""
	}
	var words []string
	for _, v := range values {
		if s, ok := v.(string); ok {
			words = append(words, s)
		}
	}
	return message.DidYouMean(word, words)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func decimal(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func typeNames(types []string) string {
	words := map[string]string{
		"null": "null", "boolean": "a boolean", "number": "a number", "integer": "a whole number",
		"string": "a string", "object": "an object", "array": "an array",
	}
	named := make([]string, len(types))
	for i, t := range types {
		named[i] = words[t]
	}
	return message.Either(named)
}

// constants lists the values that a schema allows.
func constants(values []any) string {
	if len(values) > 24 {
		return "one of the " + strconv.Itoa(len(values)) + " allowed values"
	}
	words := make([]string, len(values))
	for i, v := range values {
		b, err := json.Marshal(v)
		if err != nil || len(b) > message.MaxQuoted {
			return "one of the allowed values"
		}
		words[i] = string(b)
	}
	return message.Either(words)
}
