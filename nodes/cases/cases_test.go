package cases

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	list, err := Parse([]byte(`[{"name": "a", "config": { "b": [1, 2] }, "output": { "c": 1.50 }, "globals": {"g": [ 1 ]}}]`))
	if err != nil {
		t.Fatal(err)
	}
	c := list[0]
	if string(c.Config) != `{"b":[1,2]}` || string(c.Output) != `{"c":1.50}` || string(c.Globals["g"]) != `[1]` {
		t.Errorf("%s %s %s", c.Config, c.Output, c.Globals["g"])
	}
}

func TestParseRefuses(t *testing.T) {
	for file, want := range map[string]string{
		``:   "EOF",
		`{}`: "cannot unmarshal object",
		`[]`: "there are no cases",
		`[{"name":"a","config":{},"output":1}] []`:                                                        "there is more",
		`[{"config":{},"output":1}]`:                                                                      `case 1 (""): it has no name`,
		`[{"name":"a","output":1}]`:                                                                       `case 1 ("a"): it has no config`,
		`[{"name":"a","config":{}}]`:                                                                      "one of output and error",
		`[{"name":"a","config":{},"output":1,"error":{"code":"x"}}]`:                                      "one of output and error",
		`[{"name":"a","config":{},"output":1,"http":{},"httpError":{"code":"x"}}]`:                        "one of http and httpError",
		`[{"name":"a","config":{},"output":1},{"name":"a","config":{},"output":1}]`:                       `case 2 ("a"): another one has this name`,
		`[{"type":"t","name":"a","config":{},"output":1},{"type":"t","name":"a","config":{},"output":1}]`: `case 2 ("a"): another one has this name`,
		`[{"name":"a","config":{},"outputs":1}]`:                                                          `unknown field "outputs"`,
	} {
		if list, err := Parse([]byte(file)); err == nil || !strings.Contains(err.Error(), want) || list != nil {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
	}
}

func TestByType(t *testing.T) {
	parse := func(file string) []Case {
		t.Helper()
		list, err := Parse([]byte(file))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	const both = `[{"type":"a","name":"x","config":1,"output":1},{"type":"b","name":"x","config":2,"output":2},{"type":"a","name":"y","config":3,"output":3}]`
	of, err := ByType(parse(both), "a", "b", "c")
	if err != nil || len(of["a"]) != 2 || len(of["b"]) != 1 || string(of["b"][0].Config) != "2" || len(of["c"]) != 0 {
		t.Errorf("%v, %v", of, err)
	}
	if of, err := ByType(parse(`[{"name":"x","config":1,"output":1},{"type":"only","name":"y","config":1,"output":1}]`), "only"); err != nil || len(of["only"]) != 2 {
		t.Errorf("of one type: %v, %v", of, err)
	}
	for want, list := range map[string][]Case{
		`case 2 ("y") names no type; the module has a, b`:       parse(`[{"type":"a","name":"x","config":1,"output":1},{"name":"y","config":1,"output":1}]`),
		`case 1 ("x") is for the type "c"; the module has a, b`: parse(`[{"type":"c","name":"x","config":1,"output":1}]`),
	} {
		if _, err := ByType(list, "a", "b"); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestCompare(t *testing.T) {
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	fails := &Error{Code: "busy", Message: "later"}
	for name, c := range map[string]struct {
		c    Case
		got  Result
		want []string // what differs
	}{
		"equal":                {Case{Output: raw(`1`), Handle: "a"}, Result{Output: []byte(`1`), Handle: "a"}, nil},
		"output":               {Case{Output: raw(`1`)}, Result{Output: []byte(`2`)}, []string{"output"}},
		"handle":               {Case{Output: raw(`1`), Handle: "a"}, Result{Output: []byte(`1`)}, []string{"handle"}},
		"failed":               {Case{Output: raw(`1`)}, Result{Error: fails}, []string{"error"}},
		"did not fail":         {Case{Error: fails}, Result{Output: []byte(`1`)}, []string{"error"}},
		"fails so":             {Case{Error: fails}, Result{Error: &Error{Code: "busy", Message: "later"}}, nil},
		"another message":      {Case{Error: fails}, Result{Error: &Error{Code: "busy", Message: "never"}}, []string{"error"}},
		"any message":          {Case{Error: &Error{Code: "busy"}}, Result{Error: fails}, nil},
		"another code":         {Case{Error: &Error{Code: "lazy"}}, Result{Error: fails}, []string{"error"}},
		"for good":             {Case{Error: &Error{Code: "busy", Fatal: true}}, Result{Error: fails}, []string{"error"}},
		"request":              {Case{Output: raw(`1`), Request: raw(`{}`)}, Result{Output: []byte(`1`)}, []string{"request"}},
		"any request":          {Case{Output: raw(`1`)}, Result{Output: []byte(`1`), Request: []byte(`{}`)}, nil},
		"global set":           {Case{Output: raw(`1`)}, Result{Output: []byte(`1`), Globals: map[string][]byte{"k": []byte(`1`)}}, []string{"global k"}},
		"global not set":       {Case{Output: raw(`1`), Globals: map[string]json.RawMessage{"k": raw(`1`)}}, Result{Output: []byte(`1`)}, []string{"global k"}},
		"global set otherwise": {Case{Output: raw(`1`), Globals: map[string]json.RawMessage{"k": raw(`1`)}}, Result{Output: []byte(`1`), Globals: map[string][]byte{"k": []byte(`2`)}}, []string{"global k"}},
	} {
		var got []string
		for _, d := range c.c.Compare(c.got) {
			got = append(got, d.What)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q differ, want %q", name, got, c.want)
		}
	}
}
