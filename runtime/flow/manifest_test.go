package flow

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseType(t *testing.T) {
	manifest := `{"abi":1,"type":"switch","version":"1.0.0","summary":"Chooses a way","config":{"type": "object"},
		"handles":["default"],"handlesFrom":"a.cases[].name","defaults":[{"with":"operations","key":"input","value":"{{trigger.data}}"}],
		"fixed":["source"],"capabilities":["http","log"],"optional":["clock"],"secrets":"handles"}`
	got, err := ParseType([]byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	want := &Type{
		Name: "switch", Version: "1.0.0", Summary: "Chooses a way", Schema: []byte(`{"type": "object"}`),
		Handles: []string{"default"}, HandlesFrom: "a.cases[].name",
		Defaults:     []Default{{With: "operations", Key: "input", Value: []byte(`"{{trigger.data}}"`)}},
		Fixed:        []string{"source"},
		Capabilities: []string{"http", "log"},
		Optional:     []string{"clock"},
		HidesSecrets: true,
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Type{})); diff != "" {
		t.Error(diff)
	}
	if !got.Routes() {
		t.Error("the type does not route")
	}
	minimal, err := ParseType([]byte("\n{\"abi\":1,\"type\":\"a\",\"version\":\"1\"}\n"))
	if err != nil || minimal.Routes() {
		t.Errorf("%+v, %v", minimal, err)
	}
}

func TestParseTypeProblems(t *testing.T) {
	with := func(members string) string { return `{"abi":1,"type":"a","version":"1",` + members + `}` }
	tests := []struct {
		name, manifest string
		want           []string
	}{
		{"empty", ``, []string{`is not JSON: no value (line 1, byte 1)`}},
		{"array", `[]`, []string{`must be an object, not an array`}},
		{"nothing", `{}`, []string{`abi: is required`, `type: is required`, `version: is required`}},
		{"too large", `{"a":"` + strings.Repeat("x", maxManifest) + `"}`, []string{`has 131080 bytes, more than 131072`}},
		{"another abi", `{"abi":2,"type":"a","version":"1"}`, []string{`abi: is 2: the module was built for another version of the node ABI, this host speaks 1`}},
		{"type is reserved", `{"abi":1,"type":"trigger","version":"1"}`, []string{`type: a module cannot offer the node type "trigger"; rename it in the module`}},
		{"type with a slash", `{"abi":1,"type":"a/b","version":"1"}`, []string{`type: "a/b" must be a letter or digit, then at most 63 letters, digits, - or _`}},
		{"texts", `{"abi":1,"type":"a","version":"","summary":"a\nb"}`, []string{`version: must be one line of 1 to 64 bytes`, `summary: must be one line of 0 to 512 bytes`}},
		{"unknown and repeated keys", with(`"sumary":1,"config":{"a":1,"a":2}`), []string{`config.a: is given twice`}},
		{"unknown key", with(`"capabilites":[]`), []string{`capabilites: unknown key; did you mean "capabilities"?`}},
		{"capabilities", with(`"capabilities":["http","files","http"]`), []string{
			`capabilities[1]: must be "http", "log", "clock", "random" or "globals", not "files"`, `capabilities[2]: is given twice`,
		}},
		{"fixed and optional", with(`"fixed":["a",1,"a"],"optional":["log","log","x"]`), []string{
			`fixed[1]: must be a string, not a number`, `fixed[2]: is given twice`, `optional[1]: is given twice`,
			`optional[2]: must be "http", "log", "clock", "random" or "globals", not "x"`,
		}},
		{"secrets", with(`"secrets":"text"`), []string{`secrets: must be "handles", not "text"`}},
		{"handles", with(`"handles":["a","a","error","","{{x}}",1]`), []string{
			`handles[1]: the handle "a" is there twice`, `handles[2]: the handle "error" is taken when a node fails; choose another name`,
			`handles[3]: a handle must have 1 to 255 bytes`, `handles[4]: a handle must be fixed text, not a template`,
			`handles[5]: must be a string, not a number`,
		}},
		{"handlesFrom", with(`"handlesFrom":"cases[0].name"`), []string{`handlesFrom: "cases[0].name" must be a path such as cases[].name`}},
		{"too many handles", with(`"handles":["` + strings.Join(numberedWords(maxHandles+1), `","`) + `"]`), []string{`handles: has more than 256 handles`}},
		{"handlesFrom is no text", with(`"handlesFrom":1`), []string{`handlesFrom: must be a string, not a number`}},
		{"handlesFrom empty", with(`"handlesFrom":""`), []string{`handlesFrom: "" must be a path such as cases[].name`}},
		{"defaults", with(`"defaults":[{"with":1},{"key":"a","value":"{{steps.x.output}}"},{"key":"b","value":["{{"]},{"key":"c","value":"{{item}}"}]`), []string{
			`defaults[0].key: is required`, `defaults[0].value: is required`, `defaults[0].with: must be a string, not a number`,
			`defaults[1].value: template at column 3: a default cannot name nodes`,
			`defaults[2].value[0]: malformed template at column 3: the end where a path should stand`,
			`defaults[3].value: template at column 3: item exists only in the config of a node with forEach`,
		}},
		{"schema is no object", with(`"config":true`), []string{`config: must be an object, not a boolean`}},
		{"schema is wrong", with(`"config":{"properties":{"a":{"type":"text"}}}`), []string{
			`config: is not a JSON Schema: at "/properties/a/type": must be "array", "boolean", "integer", "null", "number", "object" or "string"`,
		}},
		{"schema with a bad pattern", with(`"config":{"pattern":"("}`), []string{`config: is not a JSON Schema: at "/pattern": must have the format "regex"`}},
		{"schema with immense numbers", with(`"config":{"minimum":1e999999999}`), []string{`config.minimum: is a number with more than 400 digits or an exponent beyond 400`}},
		{"schema of an unknown draft", with(`"config":{"$schema":"https://example.com/schema"}`), []string{
			`config: is not a JSON Schema: references must stay within the schema: "https://example.com/schema"`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			typ, err := ParseType([]byte(tt.manifest))
			if diff := cmp.Diff(tt.want, problems(t, err)); diff != "" {
				t.Error(diff)
			}
			if typ != nil {
				t.Error("both a type and an error")
			}
		})
	}
}
