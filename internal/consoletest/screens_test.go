package consoletest

import "testing"

// TestEveryScreenOpens opens the screens from the navigation, with nothing stored.
func TestEveryScreenOpens(t *testing.T) {
	_, p := open(t, Options{})
	for _, screen := range []string{"Executions", "Secrets", "Globals", "Node types", "Status", "Workflows"} {
		p.Click(Link(screen).Within(Query{Role: "navigation", Name: "Main"}))
		p.Sees(Heading(screen))
		p.Looks(func(look string) { p.Axe(screen + ", " + look) })
	}
}

// TestEveryScreenWithData looks at all screens of a server with the examples: axe-core finds
// nothing wrong, and no page is wider than its window.
func TestEveryScreenWithData(t *testing.T) {
	o, err := Examples()
	if err != nil {
		t.Fatal(err)
	}
	s := Start(t, caddy, o)
	if err := s.RunExamples(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, err := s.SendExample(t.Context(), "order-copies", `{"items":[{"sku":"A-1","quantity":2}]}`)
	if err != nil {
		t.Fatal(err)
	}
	id := a.Header.Get("X-Execution-Id")
	p := browser.Open(t)
	p.Expect(404) // of the execution, until it is recorded
	p.SignIn(s.Console(), User, Password)
	p.Sees(Link("Order intake"))
	for _, route := range []string{
		"#/", "#/workflows/order-intake", "#/workflows/order-intake/document", "#/workflows/order-intake/try", "#/workflows/order-total?node=total",
		"#/workflows/stock-check?node=stock", "#/workflows/order-steps?node=kind", "#/workflows/stripe-payment?node=trigger", "#/executions",
		"#/executions/" + id + "?node=strict", "#/secrets", "#/globals", "#/nodes", "#/nodes/http-request", "#/status", "#/nothing",
		"#/workflows/nothing", "#/executions/nothing",
	} {
		p.Eval("location.hash = "+quote(route), nil)
		p.Rests()
		p.Looks(func(look string) {
			if p.true("document.documentElement.scrollWidth > innerWidth") {
				t.Errorf("%s, %s: the page is wider than its window", route, look)
			}
			p.Axe(route + ", " + look)
		})
	}
}
