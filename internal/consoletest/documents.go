package consoletest

import (
	"fmt"
	"strings"
)

// Document returns the text of a workflow that waits for the last node's output. Nodes are JSON
// objects, edges are written "source>target" or "source>target:handle".
func Document(name string, nodes, edges []string) string {
	all := append([]string{`{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}}`}, nodes...)
	list := make([]string, len(edges))
	for i, e := range edges {
		ends, handle, _ := strings.Cut(e, ":")
		source, target, _ := strings.Cut(ends, ">")
		if handle != "" {
			handle = fmt.Sprintf(`,"sourceHandle":%q`, handle)
		}
		list[i] = fmt.Sprintf(`{"source":%q,"target":%q%s}`, source, target, handle)
	}
	return fmt.Sprintf("{\"name\":%s,\n\"nodes\":[\n%s],\n\"edges\":[%s]}", quote(name), strings.Join(all, ",\n"), strings.Join(list, ","))
}

// Transform returns a node that gives a value, which may have templates.
func Transform(id, output string) string {
	return fmt.Sprintf(`{"id":%q,"type":"transform","config":{"output":%s}}`, id, output)
}

// Large is a workflow of n nodes, in layers of different width. Each node's output has the bytes of
// the trigger's field "pad".
func Large(n int) string {
	var nodes, edges []string
	before := []string{"trigger"}
	for made := 1; made < n; {
		width := min(1+(made*7)%9, n-made)
		var layer []string
		for i := range width {
			id := fmt.Sprintf("node-%03d", made)
			nodes = append(nodes, Transform(id, fmt.Sprintf(`{"number":%d,"pad":"{{trigger.data.pad}}"}`, made)))
			edges = append(edges, before[i%len(before)]+">"+id)
			if other := before[(i+1)%len(before)]; other != before[i%len(before)] {
				edges = append(edges, other+">"+id)
			}
			layer = append(layer, id)
			made++
		}
		before = layer
	}
	return Document(fmt.Sprintf("A large one, %d nodes", n), nodes, edges)
}
