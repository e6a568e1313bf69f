package consoletest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/flowtrux/edge/internal/crash"
)

// node finds a node in the graph, by its id.
func node(id string) Query { return CSS(`.graph g[data-node="` + id + `"]`) }

// port finds where an edge from a node begins.
func port(id, number string) Query {
	return CSS(`.graph g[data-node="` + id + `"] [data-port="` + number + `"] .cross`)
}

// TestAWorkflowByMouse builds a workflow by mouse: new, a condition with an answer for each way,
// saved, and served to a sender.
func TestAWorkflowByMouse(t *testing.T) {
	s, p := open(t, Options{})
	p.Click(Button("New workflow").At(0))
	p.Fill(Field("Name"), "Large orders")
	p.Click(Button("Create"))
	p.Sees(Heading("Large orders is stored"))
	secret := p.Text(CSS("dialog code, dialog output, dialog .secret-once"))
	p.Click(Link("Open the editor"))
	p.At("#/workflows/large-orders")
	p.Sees(node("trigger"))
	p.Sees(node("result"))
	p.Looks(func(look string) { p.Axe("editor, " + look) })

	// Into the edge from the trigger to the result goes a condition.
	p.Click(node("trigger"))
	p.Click(Button("Insert a node before Result"))
	p.Click(Query{Role: "option", Text: "condition"})
	p.Sees(node("condition"))
	p.Sees(Heading("condition"))
	p.Fill(Field("Value of condition 1").At(0), "{{trigger.data.total}}")
	p.Choose(Field("Operator of condition 1"), "is greater than")
	p.Fill(Field("Compared with, in condition 1").At(0), "100")
	p.Looks(func(look string) { p.Axe("form of a condition, " + look) })

	// Another node for the other way, dragged from the port.
	p.Click(port("condition", "1"))
	p.Click(Query{Role: "option", Text: "transform"})
	p.Sees(node("transform"))
	p.Sees(Heading("transform"))

	p.Click(Button("Undo"))
	p.SeesNot(node("transform"))
	p.Click(Button("Redo"))
	p.Sees(node("transform"))
	p.Sees(Text("valid"))
	p.Click(Button("Save").At(0))
	p.Sees(Text("revision"))
	p.SeesNot(Text("not saved"))

	for total, want := range map[string]string{"150": "received", "50": "{"} {
		a, err := s.Send(t.Context(), crash.Request{Workflow: "large-orders", Body: `{"total":` + total + `}`, Secret: secret})
		if err != nil || a.Status != http.StatusOK || !strings.Contains(a.Body, want) {
			t.Errorf("an order of %s: %d %s, %v", total, a.Status, a.Body, err)
		}
	}
}
