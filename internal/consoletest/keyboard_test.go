package consoletest

import "testing"

// TestTheMainPathByKeyboard goes the way of an author without a mouse: a new workflow, a node, an
// edge, its form, saved, tried, its execution; then it is broken, the error is found, and mended.
func TestTheMainPathByKeyboard(t *testing.T) {
	_, p := open(t, Options{})
	p.Expect(404) // of an execution that is not recorded yet
	enter := func(q Query) {
		t.Helper()
		p.TabTo(q)
		p.Press("Enter")
	}
	write := func(q Query, text string) {
		t.Helper()
		p.TabTo(q)
		p.Press("Control+a")
		p.Type(text)
	}
	// The editor takes Tab for itself, until Escape.
	code := func(text string) {
		t.Helper()
		p.Sees(CSS(".code-host:not(.covered)"))
		write(Field("Code, JavaScript"), text)
		// the first may close completions, the last closes the form
		p.Press("Escape", "Escape", "Tab", "Escape")
	}
	save := func() {
		t.Helper()
		p.Sees(Text("not saved"))
		p.Press("Control+s")
		p.SeesNot(Text("not saved"))
	}
	try := func() {
		t.Helper()
		enter(Link("Try"))
		write(Field("Body"), `{"name":"Ada"}`)
		p.Press("Control+Enter")
	}
	openNode := func(id string) {
		t.Helper()
		enter(Link("Graph"))
		p.TabTo(CSS(`.node-list [tabindex="0"]`))
		p.Press("Home")
		for !p.true(`document.activeElement.dataset.id === ` + quote(id)) {
			p.Press("ArrowDown")
		}
		p.Press("Enter")
	}

	add := func(nodeType string) {
		t.Helper()
		p.Sees(Dialog("Add a node"))
		p.Type(nodeType)
		p.Sees(Query{Role: "option", Text: nodeType})
		p.Press("Enter")
		p.Sees(Heading(nodeType))
	}

	p.Sees(Heading("Workflows"))
	enter(Button("New workflow"))
	p.Sees(Dialog("New workflow"))
	p.Type("Greeting") // its first field has the focus
	enter(Button("Create"))
	enter(Link("Open the editor"))

	p.Sees(node("result"))
	enter(Button("Add node"))
	add("condition")
	write(Field("Value of condition 1"), "{{trigger.data.name}}")
	enter(Button("Add a node").Within(Query{Role: "region", Name: "Connections"}))
	add("code")
	code(`return "Hello " + trigger.data.name`)

	openNode("trigger")
	enter(Button("Connect to a node"))
	p.Sees(Dialog("Connect"))
	p.Choose(Field("Then run"), "code")
	enter(Button("Connect").Within(Dialog("Connect")))
	p.Sees(CSS(`.graph g[data-edge="3"]`))
	save()

	try()
	p.Sees(Text("Hello Ada"))
	p.Sees(Text("succeeded"))
	enter(Link("exec-"))
	p.At("#/executions/exec-")
	p.Sees(Text("console")) // who sent it

	enter(Link("greeting"))
	openNode("code")
	code("return trigger.data.person.name")
	save()
	try()
	p.Sees(Text("failed"))
	enter(Link("exec-").At(-1))
	p.At("#/executions/exec-")
	p.Sees(Query{Role: "alert", Text: "cannot read property 'name' of undefined"})
	enter(Button("code").Within(Query{Role: "alert"}))

	enter(Link("greeting"))
	openNode("code")
	p.Sees(Text("In the last execution it failed at line 1"))
	code(`return "Hello " + trigger.data.name`)
	save()
	try()
	p.Sees(Text("Hello Ada"))
}
