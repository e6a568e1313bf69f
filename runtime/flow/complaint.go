package flow

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// complaints turns a schema's errors, which form a tree, into problems of a config. Reasons name what the schema wants and
// never what the config holds: that may be a secret.
type complaints struct {
	report *report
	schema []byte
	config value
}

// locate returns the place of an instance location and what stands there, nil when the location names nothing.
func (c *complaints) locate(location []string) (*place, []byte) {
	at, v := c.config.at, c.config.raw
	for _, token := range location {
		if rawjson.KindOf(v) == rawjson.Array {
			i, _ := strconv.Atoi(token)
			at, v = at.element(i), rawjson.Index(v, i)
		} else {
			at, v = at.member(token), rawjson.Get(v, token)
		}
	}
	return at, v
}

// excused tells whether an error may vanish when templates are resolved: it is about a string that holds one, or all of
// its causes are excused. Of alternatives one excused branch is enough. What "not" forbids is never excused.
func (c *complaints) excused(e *jsonschema.ValidationError) bool {
	if _, v := c.locate(e.InstanceLocation); hasTemplate(v) {
		_, forbidden := e.ErrorKind.(*kind.Not)
		return !forbidden
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		return len(e.Causes) > 0 && !slices.ContainsFunc(e.Causes, func(e *jsonschema.ValidationError) bool { return !c.excused(e) })
	case *kind.AnyOf, *kind.OneOf, *kind.Contains:
		return slices.ContainsFunc(e.Causes, c.excused)
	case *kind.MinContains:
		hopeful := len(k.Got)
		for _, cause := range e.Causes {
			if c.excused(cause) {
				hopeful++
			}
		}
		return hopeful >= k.Want
	}
	return false
}

// add reports e or its causes.
func (c *complaints) add(e *jsonschema.ValidationError) {
	if c.excused(e) {
		return
	}
	at, v := c.locate(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		for _, cause := range e.Causes {
			c.add(cause)
		}
	case *kind.AnyOf:
		c.addAlternatives(at, e)
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			c.report.add(at, "matches more than one of the allowed forms")
		} else {
			c.addAlternatives(at, e)
		}
	case *kind.Required:
		for _, key := range k.Missing {
			c.report.add(at.member(key), "is required")
		}
	case *kind.DependentRequired:
		for _, key := range k.Missing {
			c.report.add(at.member(key), "is required beside %s", quoted(k.Prop))
		}
	case *kind.AdditionalProperties:
		for _, key := range slices.Sorted(slices.Values(k.Properties)) {
			c.report.add(at.member(key), "unknown key%s", didYouMean(key, c.properties(e.SchemaURL)))
		}
	case *kind.PropertyNames:
		if rawjson.Get(v, k.Property) == nil {
			// The library reuses the memory of this location, so it may have changed meanwhile.
			at = c.config.at
		}
		c.report.add(at, "%s cannot be a key here", quoted(k.Property))
	default:
		c.report.add(at, "%s", reasonOf(e))
	}
}

// addAlternatives reports the one branch that was meant, as far as that can be told, else that none fits.
func (c *complaints) addAlternatives(at *place, e *jsonschema.ValidationError) {
	meant := slices.DeleteFunc(slices.Clone(e.Causes), func(branch *jsonschema.ValidationError) bool {
		return isOtherForm(branch, len(e.InstanceLocation))
	})
	if len(meant) == 1 {
		c.add(meant[0])
		return
	}
	c.report.add(at, "has none of the allowed forms")
}

// isOtherForm tells whether a branch is for another form of value: it wants another type, or a member, right below depth,
// to be another fixed text.
func isOtherForm(e *jsonschema.ValidationError, depth int) bool {
	switch e.ErrorKind.(type) {
	case *kind.Type:
		return len(e.InstanceLocation) == depth
	case *kind.Const, *kind.Enum:
		return len(e.InstanceLocation) <= depth+1
	case *kind.Group, *kind.Reference, *kind.AllOf:
		return slices.ContainsFunc(e.Causes, func(e *jsonschema.ValidationError) bool { return isOtherForm(e, depth) })
	}
	return false
}

// properties are the names of the properties of the schema at a URL.
func (c *complaints) properties(url string) []string {
	v := c.schema
	_, pointer, _ := strings.Cut(url, "#")
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if token == "" {
			continue
		}
		if i, err := strconv.Atoi(token); err == nil && rawjson.KindOf(v) == rawjson.Array {
			v = rawjson.Index(v, i)
		} else {
			v = rawjson.Get(v, strings.NewReplacer("~1", "/", "~0", "~").Replace(token))
		}
	}
	names := map[string]bool{}
	rawjson.Members(rawjson.Get(v, "properties"), func(key, _ []byte) bool {
		names[keyText(key)] = true
		return true
	})
	return slices.Collect(maps.Keys(names))
}

// reasonOf words an error that has no causes to look into.
func reasonOf(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return fmt.Sprintf("must be %s, not %s", typeNames(k.Want), typeNames([]string{k.Got}))
	case *kind.Const:
		return "must be " + constants([]any{k.Want})
	case *kind.Enum:
		return "must be " + constants(k.Want)
	case *kind.Pattern:
		return "must match the pattern " + quoted(k.Want)
	case *kind.Format:
		return "must have the format " + quoted(k.Want)
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
	return either(named)
}

// constants lists the values that a schema allows.
func constants(values []any) string {
	if len(values) > 24 {
		return "one of the " + strconv.Itoa(len(values)) + " allowed values"
	}
	words := make([]string, len(values))
	for i, v := range values {
		b, err := json.Marshal(v)
		if err != nil || len(b) > maxQuoted {
			return "one of the allowed values"
		}
		words[i] = string(b)
	}
	return either(words)
}
