package flow

import (
	"errors"
	"strings"
	"testing"
)

// countedTypes records how often each type is requested.
type countedTypes struct {
	testTypes
	asked map[string]int
}

func (t *countedTypes) Type(name string) (*Type, error) {
	t.asked[name]++
	if name == "broken" {
		return nil, errors.New("no memory")
	}
	return t.testTypes.Type(name)
}

// Types are requested once per document.
func TestTypesAreLookedUpOnce(t *testing.T) {
	types := &countedTypes{testTypes: builtins(t), asked: make(map[string]int)}
	_, err := Compile("w", 1, []byte(`{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook"}},
		{"id":"a","type":"any"},{"id":"b","type":"broken"},{"id":"c","type":"any"},{"id":"d","type":"broken"},{"id":"e","type":"none"}],
		"edges":[{"source":"t","target":"a"},{"source":"t","target":"b"},{"source":"t","target":"c"},{"source":"t","target":"d"},
		{"source":"t","target":"e"}]}`), types, nil)
	var problems []string
	if e := (*DocumentError)(nil); errors.As(err, &e) {
		for _, p := range e.Problems {
			problems = append(problems, p.String())
		}
	}
	got := strings.Join(problems, "\n")
	if strings.Count(got, `type: node type "broken" cannot be used: no memory`) != 2 || strings.Count(got, `unknown node type "none"`) != 1 {
		t.Error(got)
	}
	if len(types.asked) != 3 || types.asked["any"] != 1 || types.asked["broken"] != 1 {
		t.Errorf("requested %v", types.asked)
	}
}
