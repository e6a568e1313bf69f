package flow

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestPlansAreFewObjects checks that the number of objects of a plan is small, and does not grow
// with the number of its nodes, since each collection of garbage looks at all of them.
func TestPlansAreFewObjects(t *testing.T) {
	const plans, most = 500, 14
	types := builtins(t)
	for _, nodes := range []int{1, 20} {
		doc := []byte(chain(nodes))
		held := make([]*Plan, plans)
		before := heapObjects()
		for i := range held {
			p, err := Compile(fmt.Sprint("w", i), 1, doc, types, nil)
			if err != nil {
				t.Fatal(err)
			}
			held[i] = p
		}
		if got := (heapObjects() - before) / plans; got > most {
			t.Errorf("a plan of %d nodes takes %d objects, more than %d", nodes, got, most)
		}
		runtime.KeepAlive(held)
	}
}

// chain returns a document of n nodes after a webhook, each with two templates.
func chain(n int) string {
	nodes := []string{`{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode","headers":{"X-Flow":"ok"}}}}`}
	var edges []string
	before, input := "trigger", "trigger.data"
	for i := range n {
		id := fmt.Sprint("n", i)
		nodes = append(nodes, fmt.Sprintf(`{"id":"%s","type":"transform","name":"Node %d","config":{"output":{"a":"{{%s.a.b}}","text":"from {{%s.c}}"}}}`, id, i, input, input))
		edges = append(edges, fmt.Sprintf(`{"source":"%s","target":"%s"}`, before, id))
		before, input = id, "steps."+id+".output"
	}
	return `{"name":"Chain","nodes":[` + strings.Join(nodes, ",") + `],"edges":[` + strings.Join(edges, ",") + `]}`
}

// heapObjects returns the number of objects that are in use.
func heapObjects() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapObjects)
}
