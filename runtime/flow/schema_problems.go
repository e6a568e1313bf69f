package flow

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// schemaProblems turns the errors of a schema, which form a tree, into problems of a config.
// Reasons name what the schema requires and never the values of the config, which may be secret.
type schemaProblems struct {
	report *report
	schema []byte
	config any    // decoded
	at     *place // of the config

	// keys that are missing because an unknown key beside them is their misspelling, by their path
	misspelled map[string]bool
}

// findMisspelled records the missing keys that are present with another spelling, so that they are
// not reported twice.
func (c *schemaProblems) findMisspelled(e *jsonschema.ValidationError) {
	if k, ok := e.ErrorKind.(*kind.AdditionalProperties); ok && len(k.Properties) <= MaxProblems {
		at, _ := c.locate(e.InstanceLocation)
		known := c.properties(e.SchemaURL)
		for _, key := range k.Properties {
			if c.misspelled == nil {
				c.misspelled = make(map[string]bool)
			}
			c.misspelled[at.member(message.Nearest(key, known)).String()] = true
		}
	}
	for _, cause := range e.Causes {
		c.findMisspelled(cause)
	}
}

// locate returns the place of an instance location and its value, nil when the location names
// nothing.
func (c *schemaProblems) locate(location []string) (at *place, v any) {
	at, v = c.at, c.config
	for _, token := range location {
		switch around := v.(type) {
		case []any:
			v = nil
			i, err := strconv.Atoi(token)
			if err == nil && i >= 0 && i < len(around) {
				v = around[i]
			}
			at = at.element(i)
		case map[string]any:
			at, v = at.member(token), around[token]
		default:
			at, v = at.member(token), nil
		}
	}
	return at, v
}

// excused reports whether an error may vanish when templates are resolved: it is about a string
// with a template, or all of its causes are excused. Of alternatives, one excused branch is enough.
// Violations of "not" and false are never excused, nor are those of keys, which hold no templates.
func (c *schemaProblems) excused(e *jsonschema.ValidationError) bool {
	switch k := e.ErrorKind.(type) {
	case *kind.Not, *kind.FalseSchema, *kind.PropertyNames:
		return false
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		return len(e.Causes) > 0 && !slices.ContainsFunc(e.Causes, func(e *jsonschema.ValidationError) bool { return !c.excused(e) })
	case *kind.AnyOf, *kind.Contains:
		return slices.ContainsFunc(e.Causes, c.excused)
	case *kind.OneOf:
		if len(k.Subschemas) == 0 {
			return slices.ContainsFunc(e.Causes, c.excused)
		}
	case *kind.MinContains:
		hopeful := len(k.Got)
		for _, cause := range e.Causes {
			if c.excused(cause) {
				hopeful++
			}
		}
		return hopeful >= k.Want
	}
	_, v := c.locate(e.InstanceLocation)
	s, isText := v.(string)
	return isText && hasTemplate(s)
}

// add reports e or its causes.
func (c *schemaProblems) add(e *jsonschema.ValidationError) {
	if c.report.full() || c.excused(e) {
		return
	}
	at, _ := c.locate(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		for _, cause := range inOrder(e.Causes) {
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
			if at := at.member(key); !c.misspelled[at.String()] {
				c.report.add(at, "is required")
			}
		}
	case *kind.DependentRequired:
		for _, key := range k.Missing {
			c.report.add(at.member(key), "is required beside %s", message.Quoted(k.Prop))
		}
	case *kind.AdditionalProperties:
		known := c.properties(e.SchemaURL)
		for _, key := range slices.Sorted(slices.Values(k.Properties)) {
			c.report.unknownKey(at.member(key), known)
		}
	case *kind.PropertyNames:
		// The library reuses the memory of this error's location, so of the location only its
		// length can be trusted.
		at = findKey(c.at, c.config, len(e.InstanceLocation), k.Property)
		c.report.add(cmp.Or(at, c.at), "%s cannot be a key here", message.Quoted(k.Property))
	case *kind.Not:
		c.report.add(at, "%s", c.forbidden(e.SchemaURL))
	default:
		c.report.add(at, "%s", reasonOf(e))
	}
}

// inOrder sorts errors: the library finds them in the random order of maps.
func inOrder(errs []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	return slices.SortedStableFunc(slices.Values(errs), func(a, b *jsonschema.ValidationError) int {
		return cmp.Or(
			slices.Compare(a.InstanceLocation, b.InstanceLocation),
			cmp.Compare(a.SchemaURL, b.SchemaURL),
			slices.Compare(a.ErrorKind.KeywordPath(), b.ErrorKind.KeywordPath()),
		)
	})
}

// findKey returns the place of the first object, depth levels below v, that has the key.
func findKey(at *place, v any, depth int, key string) *place {
	if depth < 0 {
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		if _, has := v[key]; has && depth == 0 {
			return at
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if found := findKey(at.member(k), v[k], depth-1, key); found != nil {
				return found
			}
		}
	case []any:
		for i, e := range v {
			if found := findKey(at.element(i), e, depth-1, key); found != nil {
				return found
			}
		}
	}
	return nil
}

// addAlternatives reports the branch that was meant, if there is only one that could be, else that
// none matches.
func (c *schemaProblems) addAlternatives(at *place, e *jsonschema.ValidationError) {
	meant := slices.DeleteFunc(slices.Clone(e.Causes), func(branch *jsonschema.ValidationError) bool {
		return isOtherForm(branch, len(e.InstanceLocation))
	})
	if len(meant) == 1 {
		c.add(meant[0])
		return
	}
	var missing []string // what each branch lacks, if that is all that each lacks
	for _, branch := range e.Causes {
		if k, ok := branch.ErrorKind.(*kind.Required); ok && len(branch.InstanceLocation) == len(e.InstanceLocation) {
			for _, key := range k.Missing {
				if c.misspelled[at.member(key).String()] {
					return
				}
			}
			missing = append(missing, strings.Join(message.EachQuoted(k.Missing), " and "))
		}
	}
	if len(missing) == len(e.Causes) {
		c.report.add(at, "must have %s", message.Either(missing))
		return
	}
	if at, reason := c.discriminator(e); reason != "" {
		c.report.add(at, "%s", reason)
		return
	}
	c.report.add(at, "has none of the allowed forms")
}

// discriminator returns the place of the member whose fixed text tells the branches apart, and what
// is wrong with it: it has the text of no branch. The reason is "" when there is no such member.
func (c *schemaProblems) discriminator(e *jsonschema.ValidationError) (at *place, reason string) {
	var location []string
	var got any
	var want []any
	for _, branch := range e.Causes {
		constant := findConstant(branch, len(e.InstanceLocation)+1)
		if constant == nil || location != nil && !slices.Equal(constant.InstanceLocation, location) {
			return nil, ""
		}
		location = constant.InstanceLocation
		switch k := constant.ErrorKind.(type) {
		case *kind.Const:
			got, want = k.Got, append(want, k.Want)
		case *kind.Enum:
			got, want = k.Got, append(want, k.Want...)
		}
	}
	if len(want) == 0 {
		return nil, ""
	}
	at, _ = c.locate(location)
	return at, "must be " + constants(want) + likelyConstant(got, want)
}

// findConstant finds the error of a value at a depth that should be a fixed text.
func findConstant(e *jsonschema.ValidationError, depth int) *jsonschema.ValidationError {
	switch e.ErrorKind.(type) {
	case *kind.Const, *kind.Enum:
		if len(e.InstanceLocation) == depth {
			return e
		}
	case *kind.Group, *kind.Reference, *kind.AllOf, *kind.Schema:
		for _, cause := range e.Causes {
			if found := findConstant(cause, depth); found != nil {
				return found
			}
		}
	}
	return nil
}

// isOtherForm reports whether a branch is for another form of value: it requires another type, or a
// member right below depth to be another fixed text.
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

// forbidden describes what the "not" of the schema at a URL forbids, if that is only a list or a
// pattern.
func (c *schemaProblems) forbidden(url string) string {
	var not map[string]any
	if err := json.Unmarshal(rawjson.Get(c.schemaAt(url), "not"), &not); err == nil && len(not) == 1 {
		if values, ok := not["enum"].([]any); ok {
			return "must not be " + constants(values)
		}
		if pattern, ok := not["pattern"].(string); ok {
			return "must not match the pattern " + message.InQuotes(pattern)
		}
	}
	return "is not allowed here"
}

// properties returns the names of the properties of the schema at a URL.
func (c *schemaProblems) properties(url string) []string {
	names := map[string]bool{}
	rawjson.Members(rawjson.Get(c.schemaAt(url), "properties"), func(key, _ []byte) bool {
		names[keyText(key)] = true
		return true
	})
	return slices.Collect(maps.Keys(names))
}

// schemaAt returns the part of the schema at a URL.
func (c *schemaProblems) schemaAt(url string) []byte {
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
	return v
}
