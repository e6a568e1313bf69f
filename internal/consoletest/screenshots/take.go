package main

import "github.com/flowtrux/edge/internal/consoletest"

// take shows the console to the camera, screen by screen.
func take(t consoletest.T, c *camera) {
	o, err := consoletest.Examples()
	if err != nil {
		t.Fatalf("%v", err)
	}
	s := consoletest.Start(t, c.caddy, o)
	if err := s.RunExamples(t.Context()); err != nil {
		t.Fatalf("%v", err)
	}
	p := c.browser.Open(t)
	p.SignIn(s.Console(), consoletest.User, consoletest.Password)
	p.Sees(consoletest.Link("Order intake"))
	c.shoot(p, "workflows")

	p.Click(consoletest.Link("Executions"))
	p.Sees(consoletest.Row("order-intake"))
	c.shoot(p, "executions")
}
