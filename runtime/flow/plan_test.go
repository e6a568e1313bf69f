package flow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func compiled(t testing.TB, doc string) *Plan {
	t.Helper()
	p, err := Compile("w", 0, []byte(doc), builtins(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlanOrderAndLayers(t *testing.T) {
	// b comes before a in the document, and both are in layer 1. c is in layer 3 because of its
	// longest path.
	p := compiled(t, `{"nodes":[
		{"id":"c","type":"any"},{"id":"b","type":"any"},{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{
			"responseMode":"specificNode","responseNodeId":"a2"}}},{"id":"a","type":"any","onError":"continue"},{"id":"a2","type":"any"}],
		"edges":[{"source":"b","target":"c"},{"source":"t","target":"a"},{"source":"a2","target":"c"},{"source":"a","target":"a2"},
			{"source":"t","target":"b"},{"source":"t","target":"c"},{"source":"b","target":"c","sourceHandle":"error"}]}`)
	var got []string
	for _, n := range p.Nodes {
		got = append(got, fmt.Sprint(n.ID, n.Layer, n.In, n.Out, n.ErrorEdge, n.Continue))
	}
	want := []string{
		"t0 [] [{0 2 } {0 1 } {0 4 }] false false",
		"b1 [{0 1 }] [{1 4 } {1 4 error}] true false",
		"a1 [{0 2 }] [{2 3 }] false true",
		"a22 [{2 3 }] [{3 4 }] false false",
		"c3 [{1 4 } {3 4 } {0 4 } {1 4 error}] [] false false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p.Webhook.Mode != SpecificNode || p.Webhook.ResponseNode != 3 {
		t.Errorf("%+v", p.Webhook)
	}
}

func TestPlanSettings(t *testing.T) {
	p := compiled(t, `{"id":"w","name":"My flow","active":false,"nodes":[
		{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{
			"responseMode":"allNodes","responseNodeId":"n","statusCode":599,"headers":{"x-b":"2","A":""},"timeout":"1m30s","onTimeout":"accept",
			"maxConcurrent":5,"idempotency":{"field":"a[1]","window":"1h"},"signature":{"scheme": "slack"},"secret":"s"}}},
		{"id":"n","type":"any","name":"The node","timeout":"250ms","retry":{"maxAttempts":4,"backoff":"2m"},"onError":"stop"}],
		"edges":[{"source":"t","target":"n"}]}`)
	if p.ID != "w" || p.Name != "My flow" || p.Active || p.Data != nil {
		t.Errorf("%+v", p)
	}
	w := *p.Webhook
	field := w.Idempotency.Field
	w.Idempotency = &Idempotency{Window: w.Idempotency.Window}
	want := Webhook{
		Mode: AllNodes, ResponseNode: -1, StatusCode: 599, Header: []HeaderField{{"X-B", "2"}, {"A", ""}}, Timeout: 90 * time.Second,
		MaxConcurrent: 5, AcceptOnTimeout: true, Idempotency: &Idempotency{Window: time.Hour}, Secret: "s", Path: "nodes[0].config.webhook",
	}
	if diff := cmp.Diff(want, w); diff != "" {
		t.Error(diff)
	}
	ev, err := NewEvent([]byte(`{"a":[0,"id-1"]}`), "", Event{})
	if err != nil {
		t.Fatal(err)
	}
	if key, err := field.Append(nil, &Scope{Plan: p, Event: ev}, 100); err != nil || string(key) != `"id-1"` {
		t.Errorf("key %s, %v", key, err)
	}
	n := p.Nodes[1]
	if n.Name != "The node" || n.Timeout != 250*time.Millisecond || n.Continue || n.ErrorEdge {
		t.Errorf("%+v", n)
	}
	// Without maxBackoff, a backoff above the default maxBackoff raises it.
	if want := (Retry{MaxAttempts: 4, Backoff: 2 * time.Minute, MaxBackoff: 2 * time.Minute}); n.Retry != want {
		t.Errorf("retry %+v", n.Retry)
	}
}

func TestPlanDefaults(t *testing.T) {
	p := compiled(t, `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"idempotency":{"header":"x-event-id"}}}},
		{"id":"n","type":"any","retry":{"maxAttempts":2}}],"edges":[{"source":"t","target":"n"}]}`)
	want := &Webhook{
		Mode: Minimal, ResponseNode: -1, StatusCode: 200, Timeout: 30 * time.Second,
		Idempotency: &Idempotency{Header: "X-Event-Id", Window: 24 * time.Hour}, Path: "nodes[0].config.webhook",
	}
	if diff := cmp.Diff(want, p.Webhook); diff != "" {
		t.Error(diff)
	}
	if p.ID != "w" || p.Name != "w" || !p.Active || p.Nodes[1].Name != "n" {
		t.Errorf("%+v", p)
	}
	if want := (Retry{MaxAttempts: 2, Backoff: time.Second, MaxBackoff: 30 * time.Second}); p.Nodes[1].Retry != want {
		t.Errorf("retry %+v", p.Nodes[1].Retry)
	}
}

func TestHandlesOfAConfig(t *testing.T) {
	for _, c := range []struct {
		from, config, handle string
		want                 bool
	}{
		{"", `{"cases":[{"name":"x"}]}`, "default", true},
		{"", `{"cases":[{"name":"x"}]}`, "x", false},
		{`,"handlesFrom":"cases[].name"`, `{"cases":[{"name":"y"},{"name":"x"}]}`, "x", true},
		{`,"handlesFrom":"cases[].name"`, `{"cases":[{"name":"y"}]}`, "x", false},
		{`,"handlesFrom":"cases[].name"`, `{"cases":[]}`, "", false},
		{`,"handlesFrom":"cases[].name"`, `{}`, "", false},
		{`,"handlesFrom":"names[]"`, `{"names":["y","x"]}`, "x", true},
		{`,"handlesFrom":"names[]"`, `{"names":["y","x"]}`, "2", false},
		{`,"handlesFrom":"a.b"`, `{"a":{"b":"x"}}`, "x", true},
		{`,"handlesFrom":"a[].b[].c"`, `{"a":[{"b":[{"c":"y"}]},{"b":[{"c":"z"},{"c":"x"}]}]}`, "x", true},
		{`,"handlesFrom":"cases[].name"`, `{"cases":[{"name":1}]}`, "1", false},
	} {
		typ, err := ParseType([]byte(`{"abi":1,"type":"x","version":"1.0.0","handles":["default"]` + c.from + `}`))
		if err != nil {
			t.Fatal(err)
		}
		// A config without valid handles is rejected.
		p, err := Compile("w", 0, []byte(`{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook"}},
			{"id":"x","type":"x","config":`+c.config+`}],"edges":[{"source":"t","target":"x"}]}`), testTypes{"x": typ}, nil)
		if got := err == nil && slices.Contains(p.Nodes[1].Handles, c.handle); got != c.want {
			t.Errorf("handle %q from %q in %s: %v (%v)", c.handle, c.from, c.config, got, err)
		}
	}
}

func TestPlanHandles(t *testing.T) {
	p := compiled(t, document(
		`{"id":"s","type":"switch","config":{"value":1,"cases":[{"name":"b","value":1},{"name":"a","value":2}]}},{"id":"n","type":"any"}`,
		`{"source":"t","target":"s"},{"source":"s","target":"n","sourceHandle":"a"}`))
	if got := p.Nodes[1].Handles; !slices.Equal(got, []string{"default", "b", "a"}) {
		t.Errorf("handles %q", got)
	}
	if got := p.Nodes[2].Handles; got != nil {
		t.Errorf("handles %q of a node that does not route", got)
	}
}

func TestPlanOfManualTrigger(t *testing.T) {
	p := compiled(t, `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"manual","data": {"text": "hi", "n": 1.0}}}]}`)
	if p.Webhook != nil || string(p.Data) != `{"text":"hi","n":1.0}` {
		t.Errorf("%+v, data %s", p.Webhook, p.Data)
	}
	if p = compiled(t, `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"manual"}}]}`); p.Data != nil {
		t.Errorf("data %s", p.Data)
	}
}

func TestPlanKeepsNothingOfTheInput(t *testing.T) {
	raw := []byte(webhook(`{"signature":{"scheme":"slack"},"headers":{"A":"b"}}`))
	p, err := Compile("w", 0, raw, builtins(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(p.Document)
	for i := range raw {
		raw[i] = 'x'
	}
	if !bytes.Equal(p.Document, before) || p.Webhook.Header[0].Value != "b" {
		t.Error("the plan changed with the input")
	}
}

// TestPlanOfRandomGraphs compiles acyclic graphs whose nodes are in random order in the document.
func TestPlanOfRandomGraphs(t *testing.T) {
	types := builtins(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "nodes")
		place := make([]int, n) // position of each node in the document
		for i := range place {
			place[i] = i
		}
		place = rapid.Permutation(place).Draw(t, "places")
		type edge struct {
			Source string `json:"source"`
			Target string `json:"target"`
		}
		id := func(i int) string { return fmt.Sprintf("n%d", i) }
		edges := []edge{}
		longest := make([]int, n)
		for to := 1; to < n; to++ {
			from := rapid.SliceOfNDistinct(rapid.IntRange(0, to-1), 1, min(to, 4), rapid.ID).Draw(t, "sources")
			for _, f := range from {
				edges = append(edges, edge{id(f), id(to)})
				longest[to] = max(longest[to], longest[f]+1)
			}
		}
		if len(edges) > 0 {
			edges = rapid.Permutation(edges).Draw(t, "edges")
		}
		nodes := make([]json.RawMessage, n)
		for i, at := range place {
			nodes[at] = fmt.Appendf(nil, `{"id":%q,"type":"any"}`, id(i))
			if i == 0 {
				nodes[at] = []byte(`{"id":"n0","type":"trigger","config":{"triggerType":"manual"}}`)
			}
		}
		doc, err := json.Marshal(map[string]any{"nodes": nodes, "edges": edges})
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile("w", 0, doc, types, nil)
		if err != nil {
			t.Fatal(err)
		}
		rank := map[string]int{}
		for r, node := range p.Nodes {
			var i int
			if _, err := fmt.Sscanf(node.ID, "n%d", &i); err != nil {
				t.Fatal(err)
			}
			rank[node.ID] = r
			if node.Layer != longest[i] {
				t.Fatalf("%s is in layer %d, want %d", node.ID, node.Layer, longest[i])
			}
			if r > 0 {
				var before int
				if _, err := fmt.Sscanf(p.Nodes[r-1].ID, "n%d", &before); err != nil {
					t.Fatal(err)
				}
				if longest[before] > longest[i] || longest[before] == longest[i] && place[before] > place[i] {
					t.Fatalf("%s comes before %s", p.Nodes[r-1].ID, node.ID)
				}
			}
		}
		if p.Nodes[0].ID != "n0" {
			t.Fatal("the trigger is not the first")
		}
		in, out := 0, 0
		for r, node := range p.Nodes {
			for _, e := range node.In {
				if e.To != r || e.From >= r {
					t.Fatalf("incoming edge %+v of node %d", e, r)
				}
			}
			for _, e := range node.Out {
				if e.From != r || e.To <= r {
					t.Fatalf("outgoing edge %+v of node %d", e, r)
				}
			}
			in, out = in+len(node.In), out+len(node.Out)
		}
		if in != len(edges) || out != len(edges) {
			t.Fatalf("%d edges in, %d out, want %d", in, out, len(edges))
		}
		for _, e := range edges {
			if !slices.Contains(p.Nodes[rank[e.Source]].Out, Edge{From: rank[e.Source], To: rank[e.Target]}) {
				t.Fatalf("edge %+v is missing", e)
			}
		}
		again, err := Compile("w", 0, doc, types, nil)
		if err != nil || !cmp.Equal(p, again, cmp.AllowUnexported(Plan{}, Node{}, templates{}, targets{}, Template{}, segment{}, reference{})) {
			t.Fatalf("compiling again gives another plan (%v)", err)
		}
	})
}

func TestReadsHeaders(t *testing.T) {
	for node, want := range map[string]bool{
		`"config":{"a":"{{trigger.headers}}"}`:                            true,
		`"config":{"a":["{{trigger.data}}","x {{trigger.headers.x-b}}"]}`: true,
		`"forEach":"{{trigger.headers.list}}"`:                            true,
		`"config":{"a":"{{trigger.data.headers}} {{trigger.method}}"}`:    false,
		`"config":{"headers":"trigger.headers"}`:                          false,
	} {
		p := compiled(t, document(`{"id":"n","type":"any",`+node+`}`, `{"source":"t","target":"n"}`))
		if p.ReadsHeaders != want {
			t.Errorf("%s: %t, want %t", node, p.ReadsHeaders, want)
		}
	}
}
