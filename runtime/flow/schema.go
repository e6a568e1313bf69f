package flow

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// schemaURL names a schema within its compiler. Nothing is ever loaded from it.
const schemaURL = "manifest:///config"

// noLoader rejects every schema from elsewhere: a manifest must not make the host read files or
// open connections.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("references must stay within the schema")
}

// compileSchema compiles the JSON Schema v, which is inspected JSON.
func (r *report) compileSchema(v value) *jsonschema.Schema {
	if rawjson.KindOf(v.raw) != rawjson.Object {
		r.add(v.at, "must be an object, not %s", message.KindName(v.raw))
		return nil
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(v.raw))
	if err != nil {
		r.add(v.at, "is not JSON")
		return nil
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	if err := c.AddResource(schemaURL, doc); err != nil {
		r.add(v.at, "is not a JSON Schema: %s", schemaReason(err))
		return nil
	}
	schema, err := c.Compile(schemaURL)
	if err != nil {
		r.add(v.at, "is not a JSON Schema: %s", schemaReason(err))
		return nil
	}
	return schema
}

// schemaReason returns what is wrong with a schema, in one line.
func schemaReason(err error) string {
	if loading, ok := errors.AsType[*jsonschema.LoadURLError](err); ok {
		return fmt.Sprintf("%v: %s", loading.Err, message.Quoted(loading.URL))
	}
	// It does not unwrap.
	if invalid, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		err = invalid.Err
	}
	if leaf, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		for len(leaf.Causes) > 0 {
			leaf = inOrder(leaf.Causes)[0]
		}
		return "at " + message.Quoted("/"+strings.Join(leaf.InstanceLocation, "/")) + ": " + reasonOf(leaf)
	}
	const most = 200
	reason := strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), schemaURL, "")), " ")
	return strings.ToValidUTF8(reason[:min(len(reason), most)], "")
}

// checkConfig checks the config v, inspected JSON with its defaults, against the type's schema.
// Errors at strings with templates are excused: their values are known only at run time, when the
// node checks them.
func (r *report) checkConfig(t *Type, v value) {
	if t.schema == nil {
		return
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(v.raw))
	if err != nil {
		r.add(v.at, "is not JSON")
		return
	}
	if invalid, ok := errors.AsType[*jsonschema.ValidationError](t.schema.Validate(doc)); ok {
		c := schemaProblems{report: r, schema: t.Schema, config: doc, at: v.at}
		c.findMisspelled(invalid)
		c.add(invalid)
	}
}
