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
