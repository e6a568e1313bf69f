package flow

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// configProblems returns the problems of a config under a schema. Their paths are relative to the
// config.
func configProblems(t testing.TB, schema, config string) []string {
	t.Helper()
	return manifestProblems(t, `{"abi":1,"type":"custom","version":"1","config":`+schema+`}`, config)
}

// manifestProblems returns the problems of a config of a node with this manifest.
func manifestProblems(t testing.TB, manifest, config string) []string {
	t.Helper()
	typ, err := ParseType([]byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Compile("w", 0, []byte(oneNode(`"type":"custom","config":`+config)), testTypes{"custom": typ}, nil)
	var lines []string
	for _, line := range problems(t, err) {
		lines = append(lines, strings.TrimPrefix(line, "nodes[1].config"))
	}
	return lines
}

func TestConfigProblems(t *testing.T) {
	tests := []struct {
		name, schema, config string
		want                 []string
	}{
		{"type", `{"properties":{"a":{"type":"integer"}}}`, `{"a":1.5}`, []string{`.a: must be a whole number, not a number`}},
		{"types", `{"properties":{"a":{"type":["null","boolean","array"]}}}`, `{"a":"x"}`, []string{`.a: must be null, a boolean or an array, not a string`}},
		{"required", `{"required":["b","a"]}`, `{}`, []string{`.b: is required`, `.a: is required`}},
		{
			"unknown keys", `{"properties":{"method":{}},"additionalProperties":false}`, `{"zz":1,"metod":2}`,
			[]string{`.zz: unknown key; known: method`, `.metod: unknown key; did you mean "method"?`},
		},
		{
			"unknown keys deep down", `{"$defs":{"c/d":{"properties":{"left":{}},"additionalProperties":false}},"properties":{"a":{"prefixItems":[{"$ref":"#/$defs/c~1d"}]}}}`,
			`{"a":[{"lefd":1}]}`,
			[]string{`.a[0].lefd: unknown key; did you mean "left"?`},
		},
		{"const", `{"properties":{"a":{"const":{"b":1}}}}`, `{"a":2}`, []string{`.a: must be {"b":1}`}},
		{"enum", `{"properties":{"a":{"enum":["x",1,null]}}}`, `{"a":2}`, []string{`.a: must be "x", 1 or null`}},
		{
			"long enums", `{"properties":{"a":{"enum":["` + strings.Join(numberedWords(25), `","`) + `"]},"b":{"enum":["` + strings.Repeat("x", 65) + `"]}}}`, `{"a":1,"b":1}`,
			[]string{`.a: must be one of the 25 allowed values`, `.b: must be one of the allowed values`},
		},
		{"format of no text", `{"format":"email","unevaluatedProperties":false}`, `{"a":1}`, []string{`.a: is not allowed here`}},
		{"cycle", `{"$ref":"#"}`, `{}`, []string{`: does not match the schema`}},
		{"property names in a list", `{"properties":{"a":{"items":{"propertyNames":{"maxLength":1}}}}}`, `{"a":[{"x":1},{"xx":1},{"x":1}]}`, []string{`.a[1]: "xx" cannot be a key here`}},
		{"pattern", `{"properties":{"a":{"pattern":"^[a-z]+$"}}}`, `{"a":"A"}`, []string{`.a: must match the pattern "^[a-z]+$"`}},
		{
			"lengths", `{"properties":{"a":{"minLength":2},"b":{"maxLength":1}}}`, `{"a":"é","b":"éé"}`,
			[]string{`.a: must have at least 2 characters`, `.b: must have at most 1 character`},
		},
		{
			"sizes", `{"properties":{"a":{"minItems":1},"b":{"maxItems":1},"c":{"minProperties":1},"d":{"maxProperties":0}}}`, `{"a":[],"b":[1,2],"c":{},"d":{"e":1}}`,
			[]string{`.a: must have at least 1 element`, `.b: must have at most 1 element`, `.c: must have at least 1 member`, `.d: must have at most 0 members`},
		},
		{
			"ranges", `{"properties":{"a":{"minimum":1},"b":{"maximum":1.5},"c":{"exclusiveMinimum":0},"d":{"exclusiveMaximum":10},"e":{"multipleOf":2}}}`, `{"a":0,"b":2,"c":0,"d":10,"e":3}`,
			[]string{`.a: must be at least 1`, `.b: must be at most 1.5`, `.c: must be more than 0`, `.d: must be less than 10`, `.e: must be a multiple of 2`},
		},
		{"unique", `{"properties":{"a":{"uniqueItems":true}}}`, `{"a":[1,2,1.0]}`, []string{`.a: has the same element at 0 and 2`}},
		{
			"contains", `{"properties":{"a":{"contains":{"const":1}},"b":{"contains":{"const":1},"maxContains":1}}}`, `{"a":[2],"b":[1,1]}`,
			[]string{`.a: lacks an element that must be there`, `.b: has too many elements of one form`},
		},
		{"property names", `{"properties":{"a":{"propertyNames":{"pattern":"^x"}}}}`, `{"a":{"xa":1,"ya":2}}`, []string{`.a: "ya" cannot be a key here`}},
		{"property names deep down", `{"additionalProperties":{"additionalProperties":{"propertyNames":{"maxLength":1}}}}`, `{"a":{"b":{"x":1},"c":{"xx":1}},"d":{"e":{}}}`, []string{`.a.c: "xx" cannot be a key here`}},
		{"dependent", `{"dependentRequired":{"a":["b"]}}`, `{"a":1}`, []string{`.b: is required beside "a"`}},
		{"false", `{"properties":{"a":false}}`, `{"a":1}`, []string{`.a: is not allowed here`}},
		{"not", `{"properties":{"a":{"not":{"type":"string"}}}}`, `{"a":"x"}`, []string{`.a: is not allowed here`}},
		{"not one of", `{"properties":{"a":{"not":{"enum":["default","error"]}}}}`, `{"a":"error"}`, []string{`.a: must not be "default" or "error"`}},
		{"not by a pattern", `{"properties":{"a":{"not":{"pattern":"^_"}}}}`, `{"a":"_x"}`, []string{`.a: must not match the pattern "^_"`}},
		{"not with more to it", `{"properties":{"a":{"not":{"pattern":"^_","minLength":3}}}}`, `{"a":"_xy"}`, []string{`.a: is not allowed here`}},
		{"all of", `{"allOf":[{"required":["a"]},{"required":["b"]}]}`, `{}`, []string{`.a: is required`, `.b: is required`}},
		{"likely word", `{"properties":{"a":{"enum":["equals","lessThan",1]}}}`, `{"a":"lesThan"}`, []string{`.a: must be "equals", "lessThan" or 1; did you mean "lessThan"?`}},
		{"one of, none", `{"oneOf":[{"type":"array"},{"required":["b"]},{"maxProperties":0}]}`, `{"c":1}`, []string{`: has none of the allowed forms`}},
		{"one of, keys missing", `{"oneOf":[{"required":["a"]},{"required":["b","c"]}]}`, `{}`, []string{`: must have "a" or "b" and "c"`}},
		{"one of, several", `{"oneOf":[{"required":["a"]},{"required":["b"]}]}`, `{"a":1,"b":1}`, []string{`: matches more than one of the allowed forms`}},
		{"any of, told apart by type", `{"properties":{"a":{"anyOf":[{"type":"string","minLength":3},{"type":"object"}]}}}`, `{"a":"x"}`, []string{`.a: must have at least 3 characters`}},
		{
			"one of, told apart by a constant",
			`{"properties":{"a":{"items":{"oneOf":[{"properties":{"op":{"const":"set"}},"required":["op","value"]},{"properties":{"op":{"const":"delete"}},"required":["op","path"]}]}}}}`,
			`{"a":[{"op":"set"},{"op":"delete"},{"op":"dance","value":1}]}`,
			[]string{`.a[0].value: is required`, `.a[1].path: is required`, `.a[2].op: must be "set" or "delete"`},
		},
		{"branches", `{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}}`, `{"a":1}`, []string{`.b: is required`}},
		{"recursive", `{"properties":{"a":{"$ref":"#"},"n":{"type":"number"}},"additionalProperties":false}`, `{"a":{"a":{"n":"x"}}}`, []string{`.a.a.n: must be a number, not a string`}},
		{"odd keys", `{"additionalProperties":{"additionalProperties":false}}`, `{"a/b~c":{"d.e":1}}`, []string{`["a/b~c"]["d.e"]: unknown key`}},
		{
			"in document order", `{"properties":{"a":{"type":"number"},"b":{"type":"number"},"c":{"type":"number"}},"required":["d"]}`, `{"c":"","a":"","b":""}`,
			[]string{`.d: is required`, `.c: must be a number, not a string`, `.a: must be a number, not a string`, `.b: must be a number, not a string`},
		},
		{
			"no values are shown", `{"properties":{"a":{"pattern":"^x"},"b":{"enum":["x"]},"c":{"type":"number"}}}`, `{"a":"s3cret","b":"s3cret","c":"s3cret"}`,
			[]string{`.a: must match the pattern "^x"`, `.b: must be "x"`, `.c: must be a number, not a string`},
		},
		{"immense numbers", `{"properties":{"a":{"minimum":1}}}`, `{"a":1e9999999}`, []string{`.a: is a number with more than 400 digits or an exponent beyond 400`}},
		{"long numbers", `{"properties":{"a":{"minimum":1}}}`, `{"a":` + strings.Repeat("9", 401) + `}`, []string{`.a: is a number with more than 400 digits or an exponent beyond 400`}},
		{"large numbers", `{"properties":{"a":{"minimum":1,"multipleOf":3}}}`, `{"a":3e400}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, configProblems(t, tt.schema, tt.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBuiltInSchemas checks the problems reported for mistakes in the configs of built-in nodes.
func TestBuiltInSchemas(t *testing.T) {
	tests := []struct {
		name, node, config string
		want               []string
	}{
		{"neither output nor operations", "transform", `{"input":1}`, []string{`: must have "output" or "operations"`}},
		{"output and input", "transform", `{"output":1,"input":"{{trigger.data}}"}`, []string{`.input: is not allowed here`}},
		{"output and operations", "transform", `{"output":1,"operations":"{{trigger.data}}"}`, []string{`.operations: is not allowed here`}},
		{"no op", "transform", `{"operations":[{"path":"a"}]}`, []string{`.operations[0].op: is required`}},
		{
			"half an op", "transform", `{"operations":[{"op":"rename","value":1}]}`,
			[]string{`.operations[0].path: is required`, `.operations[0].to: is required`, `.operations[0].value: unknown key; known: op, path, to`},
		},
		{
			"secret global", "transform", `{"operations":[{"op":"setGlobal","key":"__secret_a","value":1}]}`,
			[]string{`.operations[0].key: must not match the pattern "\\{\\{|^__secret"`},
		},
		{
			"case that is a handle already", "switch", `{"value":1,"cases":[{"name":"default","value":1}]}`,
			[]string{`.cases[0].name: must not be "default" or "error"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			manifest, err := os.ReadFile(filepath.Join("..", "..", "nodes", "builtin", tt.node, "manifest.json"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, manifestProblems(t, string(manifest), tt.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTemplatesAreExcused(t *testing.T) {
	const v = `"{{trigger.data}}"`
	tests := []struct {
		name, schema, config string
		want                 []string
	}{
		{"type", `{"properties":{"a":{"type":"number"}}}`, `{"a":` + v + `}`, nil},
		{"within text", `{"properties":{"a":{"enum":["x"]}}}`, `{"a":"x{{trigger.data}}"}`, nil},
		{"escaped braces", `{"properties":{"a":{"maxLength":2}}}`, `{"a":"\\{{"}`, nil},
		{"in an array", `{"properties":{"a":{"items":{"type":"integer"}}}}`, `{"a":[` + v + `,1]}`, nil},
		{"beside a real one", `{"properties":{"a":{"type":"number"},"b":{"type":"number"}}}`, `{"a":` + v + `,"b":"x"}`, []string{`.b: must be a number, not a string`}},
		{"through a reference", `{"$defs":{"n":{"type":"number"}},"properties":{"a":{"$ref":"#/$defs/n"}}}`, `{"a":` + v + `}`, nil},
		{"all of", `{"properties":{"a":{"allOf":[{"type":"number"},{"minimum":1}]}}}`, `{"a":` + v + `}`, nil},
		{"all of, one real", `{"allOf":[{"properties":{"a":{"type":"number"}}},{"required":["b"]}]}`, `{"a":` + v + `}`, []string{`.b: is required`}},
		{"any of at the template", `{"properties":{"a":{"anyOf":[{"type":"number"},{"type":"boolean"}]}}}`, `{"a":` + v + `}`, nil},
		{"any of above, a branch excused", `{"anyOf":[{"properties":{"a":{"type":"number"}}},{"required":["b"]}]}`, `{"a":` + v + `}`, nil},
		{"any of above, no branch excused", `{"anyOf":[{"properties":{"a":{"type":"number"}},"required":["c"]},{"required":["b"]}]}`, `{"a":` + v + `}`, []string{`: has none of the allowed forms`}},
		{"one of above, a branch excused", `{"oneOf":[{"properties":{"op":{"const":"set"}}},{"properties":{"op":{"const":"get"}}}]}`, `{"op":` + v + `}`, nil},
		{"not", `{"properties":{"a":{"not":{"type":"string"}}}}`, `{"a":` + v + `}`, []string{`.a: is not allowed here`}},
		{"false", `{"properties":{"a":false}}`, `{"a":` + v + `}`, []string{`.a: is not allowed here`}},
		{"not within all of", `{"properties":{"a":{"allOf":[{"not":{"type":"string"}},{"type":"number"}]}}}`, `{"a":` + v + `}`, []string{`.a: is not allowed here`}},
		{"one of at the template, several", `{"properties":{"a":{"oneOf":[{"type":"string"},{"minLength":1}]}}}`, `{"a":` + v + `}`, nil},
		{"contains", `{"properties":{"a":{"contains":{"type":"number"}}}}`, `{"a":["x",` + v + `]}`, nil},
		{"min contains", `{"properties":{"a":{"contains":{"type":"number"},"minContains":2}}}`, `{"a":[1,` + v + `]}`, nil},
		{"min contains, too few", `{"properties":{"a":{"contains":{"type":"number"},"minContains":3}}}`, `{"a":[1,` + v + `]}`, []string{`.a: lacks an element that must be there`}},
		{"key beside a template", `{"properties":{"h":{"propertyNames":{"maxLength":1}}}}`, `{"h":{"xx":1},"a":` + v + `,"b":` + v + `,"c":` + v + `}`, []string{`.h: "xx" cannot be a key here`}},
		{"missing key", `{"required":["b"]}`, `{"a":` + v + `}`, []string{`.b: is required`}},
		{"key with braces", `{"properties":{"a":{"additionalProperties":false}}}`, `{"a":{"{{trigger.data}}":1}}`, []string{`.a["{{trigger.data}}"]: unknown key`}},
		{"malformed, told once", `{"properties":{"a":{"type":"number"}}}`, `{"a":"{{"}`, []string{`.a: malformed template at column 3: the end where a path should stand`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, configProblems(t, tt.schema, tt.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	types := builtins(t)
	for config, want := range map[string]string{
		`{"operations":[{"op":"delete","path":"a"}]}`:           `{"operations":[{"op":"delete","path":"a"}],"input":{"x":1,"_query":{}}}`,
		`{"operations":[{"op":"delete","path":"a"}],"input":7}`: `{"operations":[{"op":"delete","path":"a"}],"input":7}`,
		`{"output":1}`: `{"output":1}`,
	} {
		p, err := Compile("w", 0, []byte(oneNode(`"type":"transform","config":`+config)), types, nil)
		if err != nil {
			t.Fatal(err)
		}
		ev, err := NewEvent([]byte(`{"x":1}`), "", Event{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Nodes[1].Config.Append(nil, &Scope{Plan: p, Event: ev}, 1<<10)
		if err != nil || string(got) != want {
			t.Errorf("%s became %s (%v), want %s", config, got, err, want)
		}
	}
	typ, err := ParseType([]byte(`{"abi":1,"type":"custom","version":"1","defaults":[{"key":"a \"b\"","value":[1.0]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile("w", 0, []byte(oneNode(`"type":"custom"`)), testTypes{"custom": typ}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Nodes[1].Config.Append(nil, &Scope{}, 100); err != nil || string(got) != `{"a \"b\"":[1.0]}` {
		t.Errorf("no config became %s, %v", got, err)
	}
}

func TestSchemaCannotReachOut(t *testing.T) {
	for _, ref := range []string{"http://127.0.0.1:1/x.json", "file:///etc/hostname", "other.json", "/etc/hostname", "#/$defs/nope"} {
		_, err := ParseType(fmt.Appendf(nil, `{"abi":1,"type":"custom","version":"1","config":{"properties":{"a":{"$ref":%q}}}}`, ref))
		lines := problems(t, err)
		if len(lines) != 1 || !strings.HasPrefix(lines[0], "config: is not a JSON Schema: ") {
			t.Errorf("%s: %q", ref, lines)
		}
	}
}

// With too many problems, the selection must not depend on the order of a map.
func TestConfigProblemsAreTheSameEachTime(t *testing.T) {
	var members []string
	for i := range 3 * MaxProblems {
		members = append(members, fmt.Sprintf(`"k%d":{"a":"x","b":"x","bad key":1}`, i))
	}
	const schema = `{"additionalProperties":{"properties":{"a":{"type":"number"},"b":{"type":"number"}},"propertyNames":{"maxLength":1}}}`
	first := configProblems(t, schema, `{`+strings.Join(members, ",")+`}`)
	for range 20 {
		if diff := cmp.Diff(first, configProblems(t, schema, `{`+strings.Join(members, ",")+`}`)); diff != "" {
			t.Fatal(diff)
		}
	}
}
