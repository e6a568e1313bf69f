package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// sketch is a random workflow with the behavior of its nodes. Node 0 is the trigger. Edges lead to
// higher numbers.
type sketch struct {
	nodes []sketchNode
	edges []sketchEdge
}

type sketchNode struct {
	routes    bool
	does      string // echo, fail, or the handle
	continues bool
}

type sketchEdge struct {
	from, to int
	handle   string
}

func drawSketch(t *rapid.T) sketch {
	s := sketch{nodes: make([]sketchNode, rapid.IntRange(2, 9).Draw(t, "nodes"))}
	for i := 1; i < len(s.nodes); i++ {
		n := &s.nodes[i]
		n.routes = rapid.IntRange(0, 3).Draw(t, "routes") == 0
		n.continues = rapid.IntRange(0, 4).Draw(t, "continue") == 0
		if n.does = rapid.SampledFrom([]string{"echo", "echo", "echo", "fail"}).Draw(t, "does"); n.does == "echo" && n.routes {
			n.does = rapid.SampledFrom([]string{"left", "right"}).Draw(t, "way")
		}
		for range rapid.IntRange(1, 3).Draw(t, "edges") {
			from := rapid.IntRange(0, i-1).Draw(t, "from")
			handles := []string{"", "", "error"}
			if s.nodes[from].routes {
				handles = []string{"left", "right", "error"}
			}
			e := sketchEdge{from: from, to: i}
			if from > 0 {
				e.handle = rapid.SampledFrom(handles).Draw(t, "handle")
			}
			if !slices.Contains(s.edges, e) {
				s.edges = append(s.edges, e)
			}
		}
	}
	return s
}

// document returns the sketch as a document, with nodes and edges in random order. A node's value
// is made from those of the nodes before it.
func (s sketch) document(t *rapid.T) string {
	var nodes []string
	for i := 1; i < len(s.nodes); i++ {
		n := s.nodes[i]
		value := fmt.Sprint(i)
		for _, e := range s.edges {
			if e.to == i && e.from > 0 {
				value += fmt.Sprintf(`,"{{steps.n%d.output}}"`, e.from)
			}
		}
		var settings []string
		if n.continues {
			settings = []string{Continues}
		}
		config := fmt.Sprintf(`"do":"route","handle":%q,"value":[%s]`, n.does, value)
		switch n.does {
		case "echo":
			config = fmt.Sprintf(`"do":"echo","value":[%s]`, value)
		case "fail":
			config = `"do":"error","code":"boom","message":"no luck"`
		}
		typ := "task"
		if n.routes {
			typ = "route"
		}
		nodes = append(nodes, NodeOf(typ, fmt.Sprint("n", i), config, settings))
	}
	var edges []string
	for _, e := range s.edges {
		from, handle := "t", ""
		if e.from > 0 {
			from = fmt.Sprint("n", e.from)
		}
		if e.handle != "" {
			handle = ":" + e.handle
		}
		edges = append(edges, fmt.Sprintf("%s>n%d%s", from, e.to, handle))
	}
	return Document(strings.Join(rapid.Permutation(edges).Draw(t, "edge order"), " "), rapid.Permutation(nodes).Draw(t, "node order")...)
}

// expect applies the rules word by word and returns how node i ends, in the form of show.
func (s sketch) expect() (ends map[int]string, status engine.Status) {
	ends, status = map[int]string{}, engine.Succeeded
	outputs := map[int]string{}
	handles := map[int]string{0: ""} // of completed nodes
	for i := 1; i < len(s.nodes); i++ {
		n := s.nodes[i]
		taken, dead := false, false
		value := fmt.Sprint(i)
		hasErrorEdge := false
		for _, e := range s.edges {
			hasErrorEdge = hasErrorEdge || e.from == i && e.handle == "error"
			if e.to != i {
				continue
			}
			if strings.Contains(ends[e.from], "!") || strings.Contains(ends[e.from], "-stopped") {
				dead = true
			}
			if h, completed := handles[e.from]; completed && h == e.handle {
				taken = true
			}
			if e.from > 0 {
				if out, ok := outputs[e.from]; ok {
					value += "," + out
				} else {
					value += ",null"
				}
			}
		}
		switch {
		case dead:
			ends[i] = "-stopped"
			continue
		case !taken:
			ends[i] = "-skipped"
			continue
		case n.does == "fail" && !hasErrorEdge && !n.continues:
			ends[i] = "!boom"
			status = engine.Failed
			continue
		case n.does == "fail":
			outputs[i] = failure
			if hasErrorEdge {
				handles[i] = "error"
			} else {
				handles[i] = ""
			}
		case n.routes:
			outputs[i], handles[i] = "["+value+"]", n.does
		default:
			outputs[i], handles[i] = "["+value+"]", ""
		}
		ends[i] = "=" + outputs[i]
		if handles[i] != "" {
			ends[i] += ":" + handles[i]
		}
	}
	return ends, status
}

// TestRandomWorkflows compares the engine with a plain reading of the rules, without layers, order
// or concurrency. It also compares the engine with itself.
func TestRandomWorkflows(t *testing.T) {
	l := NewLab(t, engine.Config{}, sandbox.Limits{})
	rapid.Check(t, func(rt *rapid.T) {
		s := drawSketch(rt)
		text := s.document(rt)
		ends, status := s.expect()
		p := l.Program(text)
		want := map[string]string{}
		for i, end := range ends {
			want[fmt.Sprint("n", i)] = end
		}
		for range 2 {
			r := l.Engine.NewExecution(t.Context(), p, "exec-1", Event(t, "{}"), nil).Run()
			got := map[string]string{}
			for _, word := range strings.Split(Show(p, r), " n")[1:] {
				id, end := word[:1], word[1:]
				got["n"+id] = end
			}
			if diff := cmp.Diff(want, got); diff != "" || r.Status != status {
				rt.Fatalf("status %s, want %s; nodes (-want +got):\n%s\n%s", r.Status, status, diff, text)
			}
		}
	})
}
