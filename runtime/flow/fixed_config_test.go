package flow

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// preparing is a set of node types of which one is prepared. answer returns the result.
type preparing struct {
	testTypes
	answer func(name, fixed string) ([]string, error)
	fuel   uint64 // of each prepare
}

func (p preparing) Prepare(name string, fixed []byte) ([]string, uint64, error) {
	reads, err := p.answer(name, string(fixed))
	return reads, p.fuel, err
}

func withScript(t testing.TB, answer func(name, fixed string) ([]string, error)) preparing {
	t.Helper()
	types := builtins(t)
	typ, err := ParseType([]byte(`{"abi":1,"type":"script","version":"1","config":{"type":"object","anyOf":[{"required":["source"]},{"required":["secretSource"]}],
		"properties":{"source":{"type":"string"},"more":{},"secretSource":{},"input":{},"item":{}},"additionalProperties":false},
		"fixed":["source","more","secretSource"],"defaults":[{"key":"input","value":"{{trigger.data}}"}],"capabilities":["log"],"optional":["http"]}`))
	if err != nil {
		t.Fatal(err)
	}
	types["script"] = typ
	return preparing{testTypes: types, answer: answer}
}

func scripted(forEach, config string) string {
	return `{"nodes":[
		{"id":"trigger","type":"trigger","config":{"triggerType":"manual"}},
		{"id":"a-1","type":"any"},{"id":"b","type":"any"},{"id":"aside","type":"any"},
		{"id":"s","type":"script"` + forEach + `,"config":` + config + `}],
		"edges":[{"source":"trigger","target":"a-1"},{"source":"a-1","target":"b"},{"source":"b","target":"s"},{"source":"trigger","target":"aside"}]}`
}

// shape formats a template with a mark for each value.
func shape(t *Template) string {
	var b strings.Builder
	for _, s := range t.segments {
		b.WriteString(s.text)
		if s.ref != nil {
			b.WriteString("*")
		}
	}
	return b.String()
}

func TestFixedPart(t *testing.T) {
	each := `,"forEach":"{{trigger.data}}"`
	for _, c := range []struct {
		name, forEach, config string
		reads                 []string
		fixed, rest           string
	}{
		{"nothing is read", ``, `{"source":"{{ no template }} \\{{"}`, nil, `{"source":"{{ no template }} \\{{"}`, `{"input":*}`},
		{
			"two fixed keys", ``, `{"more":{"a":"{{x"},"input":{"b":"{{trigger.method}}"},"source":""}`, nil,
			`{"more":{"a":"{{x"},"source":""}`, `{"input":{"b":*}}`,
		},
		{
			"paths", ``, `{"source":""}`,
			[]string{"trigger.data", "steps.b.output", `steps["a-1"].output`, "trigger.headers", `global["a b"]`, "workflow.id"},
			`{"source":""}`, `{"input":*,"trigger":{"data":*,"headers":*},"steps":{"b":{"output":*},"a-1":{"output":*}},"global":{"a b":*},"workflow":{"id":*}}`,
		},
		{
			"whole roots", ``, `{"source":""}`,
			[]string{"steps", "execution", "workflow", "trigger"},
			`{"source":""}`,
			`{"input":*,"steps":{"trigger":{"output":*},"a-1":{"output":*},"b":{"output":*}},"execution":{"id":*},"workflow":{"id":*,"name":*},` +
				`"trigger":{"data":*,"headers":*,"method":*,"clientIp":*,"receivedAt":*}}`,
		},
		{
			"paths that name nothing", ``, `{"source":""}`,
			[]string{"steps.aside.output", "steps.s.output", "steps.typo.output", "item", "index", "global", "trigger.no", "a b", "}}{{trigger.data", "", "[0]", "secret"},
			`{"source":""}`, `{"input":*}`,
		},
		{"an item", each, `{"source":""}`, []string{"index", "item"}, `{"source":""}`, `{"input":*,"index":*,"item":*}`},
		{"what the config has", each, `{"source":"","item":1}`, []string{"item", "index"}, `{"source":""}`, `{"item":1,"input":*,"index":*}`},
		{
			"one path through another", ``, `{"source":""}`,
			[]string{"trigger.data", "trigger.data.a", "global.a.b", "global.a"},
			`{"source":""}`,
			`{"input":*,"trigger":{"data":*},"global":{"a":{"b":*}}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			types := withScript(t, func(name, fixed string) ([]string, error) {
				if name != "script" || fixed != c.fixed {
					t.Errorf("%s was prepared with %s", name, fixed)
				}
				return c.reads, nil
			})
			p, err := Compile("w", 0, []byte(scripted(c.forEach, c.config)), types, nil)
			if err != nil {
				t.Fatal(err)
			}
			n := p.Nodes[slices.IndexFunc(p.Nodes, func(n Node) bool { return n.ID == "s" })]
			if got := string(n.Fixed); got != c.fixed {
				t.Errorf("fixed %s, want %s", got, c.fixed)
			}
			if got := shape(n.Config); got != c.rest {
				t.Errorf("config\n%s, want\n%s", got, c.rest)
			}
		})
	}
}

func TestFixedPartProblems(t *testing.T) {
	bad := func(string, string) ([]string, error) {
		return nil, &PrepareError{Reason: "unexpected end (line 1, column 3)"}
	}
	for _, c := range []struct {
		name, config string
		answer       func(string, string) ([]string, error)
		want         string
	}{
		{"the module's word", `{"source":"{{"}`, bad, "nodes[4].config.source: unexpected end (line 1, column 3)"},
		{"of several keys", `{"source":"","more":1}`, bad, "nodes[4].config: unexpected end (line 1, column 3)"},
		{"words about a secret", `{"secretSource":"s3cret"}`, func(string, string) ([]string, error) {
			return nil, &PrepareError{Reason: "unexpected s3cret"}
		}, "nodes[4].config.secretSource: is rejected by the module"},
		{
			"none", `{"source":""}`, func(string, string) ([]string, error) { return nil, errors.New("too slow") },
			"nodes[4].config.source: could not be checked: too slow",
		},
		{
			"no fuel", `{"source":""}`, func(string, string) ([]string, error) { return nil, &FuelError{Limit: 1000} },
			"nodes[4].config.source: takes too long to prepare: with it the document's nodes burn more than 1000 units of fuel, the most for all of them together; those before it burn 0",
		},
		{"a wrong config is not prepared", `{"source":1}`, bad, "nodes[4].config.source: must be a string, not a number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Compile("w", 0, []byte(scripted("", c.config)), withScript(t, c.answer), nil)
			if got := strings.Join(problems(t, err), "; "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// The fuel of all nodes together counts. A stored document above the limit serves, with a warning
// that names the node.
func TestPrepareFuel(t *testing.T) {
	var nodes, edges []string
	for i := range 3 {
		nodes = append(nodes, fmt.Sprintf(`{"id":"s%d","type":"script","config":{"source":"%d"}}`, i, i))
		edges = append(edges, fmt.Sprintf(`{"source":"trigger","target":"s%d"}`, i))
	}
	document := `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"manual"}},` + strings.Join(nodes, ",") + `],"edges":[` + strings.Join(edges, ",") + `]}`
	for fuel, want := range map[uint64]string{
		7:                       "",
		MaxPrepareFuel / 3:      "",
		MaxPrepareFuel / 2:      "nodes[3].config.source",
		MaxPrepareFuel/2 + 1:    "nodes[2].config.source",
		MaxPrepareFuel + 1:      "nodes[1].config.source",
		PrepareFuelStored/3 - 1: "nodes[1].config.source",
	} {
		types := withScript(t, func(string, string) ([]string, error) { return nil, nil })
		types.fuel = fuel
		p, err := Compile("w", 0, []byte(document), types, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range p.Warnings {
			got = append(got, w.Path)
		}
		if strings.Join(got, " ") != want || p.PrepareFuel != 3*fuel {
			t.Errorf("3 × %d: warnings at %q, want %q; %d units in all", fuel, got, want, p.PrepareFuel)
		}
	}
}

// FuzzReads binds paths as a module could request them.
func FuzzReads(f *testing.F) {
	f.Add("trigger.data\nsteps.b.output\nglobal[\"a\"]\nitem")
	f.Add("}}{{trigger.data}}\nsteps\n\n[\"")
	f.Fuzz(func(t *testing.T, paths string) {
		types := withScript(t, func(string, string) ([]string, error) { return strings.Split(paths, "\n"), nil })
		p, err := Compile("w", 0, []byte(scripted("", `{"source":""}`)), types, nil)
		if err != nil && !strings.Contains(err.Error(), "more than 1000 templates") {
			t.Fatal(err)
		}
		if err == nil && !strings.HasPrefix(shape(p.Nodes[len(p.Nodes)-1].Config), `{"input":*`) {
			t.Error(shape(p.Nodes[len(p.Nodes)-1].Config))
		}
	})
}
