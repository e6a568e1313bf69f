package main

import (
	"path/filepath"

	"github.com/flowtrux/edge/internal/consoletest"
)

// past are the executions of the last day that the lists show, more of some workflows than of
// others.
var past = []string{
	"order-intake", "stripe-payment", "order-intake", "stock-check", "order-steps", "order-intake", "github-push", "order-total",
	"audit", "order-intake", "stripe-payment",
}

const pastRecords = 1500

// take shows the console to the camera, screen by screen.
func take(t consoletest.T, c *camera) {
	o, err := consoletest.Examples()
	if err != nil {
		t.Fatalf("%v", err)
	}
	s := consoletest.Create(t, c.caddy, o)
	if err := consoletest.SeedRecords(t.Context(), filepath.Join(s.Dir, "journal.db"), past, pastRecords); err != nil {
		t.Fatalf("%v", err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatalf("%v", err)
	}
	if err := s.RunExamples(t.Context()); err != nil {
		t.Fatalf("%v", err)
	}
	p := c.browser.Open(t)
	p.Expect(404) // of an execution that is not recorded yet
	p.SignIn(s.Console(), consoletest.User, consoletest.Password)
	p.Sees(consoletest.Link("Order intake"))
	c.shoot(p, "workflows")

	p.Click(consoletest.Link("Order intake"))
	p.Click(consoletest.CSS(`.graph g[data-node="large"]`))
	p.Sees(consoletest.Field("Value of condition 1"))
	c.shoot(p, "workflow")
	p.Media(true)
	c.shoot(p, "workflow-dark")
	p.Media(false)

	p.Click(consoletest.Link("Try"))
	p.Fill(consoletest.Field("Body"), `{"order_id": "A-1004", "total": 140}`)
	p.Click(consoletest.Button("Send").At(0))
	p.Sees(consoletest.Text("succeeded"))
	c.shoot(p, "try")

	fail(p)
	c.shoot(p, "execution")

	p.Click(consoletest.Link("Status").Within(consoletest.Query{Role: "navigation", Name: "Main"}))
	p.Sees(consoletest.Heading("Status"))
	c.shoot(p, "status")
}

// fail runs an example that has been broken, and opens its execution.
func fail(p *consoletest.Page) {
	p.Click(consoletest.Link("Workflows").At(0))
	p.Click(consoletest.Link("Compute with JavaScript"))
	p.Click(consoletest.CSS(`.graph g[data-node="total"]`))
	p.Click(consoletest.Button("Disconnect from Refused"))
	p.Click(consoletest.CSS(`.graph g[data-node="refused"]`))
	p.Press("Delete")
	p.Click(consoletest.Button("Save").At(0))
	p.SeesNot(consoletest.Text("not saved"))
	p.Click(consoletest.Button("Dismiss"))
	p.Click(consoletest.Link("Try"))
	p.Fill(consoletest.Field("Body"), `{"items": [{"price": 2.5, "quantity": 2}, {"price": 1, "quantity": 3}]}`)
	p.Click(consoletest.Button("Send").At(0))
	p.Sees(consoletest.Text("failed"))
	p.Click(consoletest.Link("exec-").At(-1))
	p.At("#/executions/exec-")
	p.Sees(consoletest.Query{Role: "alert"})
}
