package flow

import (
	"errors"
	"strings"
	"sync"
	"testing"
)

// slowTypes answer when they have been asked for all types, and count how often.
type slowTypes struct {
	testTypes
	all   sync.WaitGroup
	mu    sync.Mutex
	asked map[string]int
}

func (t *slowTypes) Type(name string) (*Type, error) {
	t.mu.Lock()
	t.asked[name]++
	t.mu.Unlock()
	t.all.Done()
	t.all.Wait()
	if name == "broken" {
		return nil, errors.New("no memory")
	}
	return t.testTypes.Type(name)
}

// Types are asked for side by side, once for each document.
func TestTypesAreLookedUpTogether(t *testing.T) {
	types := &slowTypes{testTypes: builtins(t), asked: make(map[string]int)}
	types.all.Add(3)
	_, err := Compile("w", 1, []byte(`{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook"}},
		{"id":"a","type":"any"},{"id":"b","type":"broken"},{"id":"c","type":"any"},{"id":"d","type":"broken"},{"id":"e","type":"none"}],
		"edges":[{"source":"t","target":"a"},{"source":"t","target":"b"},{"source":"t","target":"c"},{"source":"t","target":"d"},
		{"source":"t","target":"e"}]}`), types)
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
		t.Errorf("asked %v", types.asked)
	}
}
