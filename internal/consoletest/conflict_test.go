package consoletest

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// echo is a workflow that answers with a text.
func echo(name, output string) string {
	return Document(name, []string{Transform("echo", quote(output))}, []string{"trigger>echo"})
}

// output returns what the workflow's node gives, as it is stored.
func (s *Server) output(t *testing.T, id string) string {
	t.Helper()
	var stored struct {
		Nodes []struct{ Config struct{ Output string } }
	}
	if err := s.AdminRequest(t.Context(), http.MethodGet, "workflows/"+id, nil, &stored); err != nil {
		return ""
	}
	return stored.Nodes[1].Config.Output
}

// TestSomebodyElseSaves edits a workflow that others change and delete meanwhile. Nobody's work is
// lost without a question, nor when one leaves the screen or the page.
func TestSomebodyElseSaves(t *testing.T) {
	s, p := open(t, Options{})
	p.Expect(404, 412)
	put(t, s, "shared", echo("Shared", "first"))
	mine := func(text string) {
		t.Helper()
		p.Click(node("echo"))
		p.Fill(Field("Output"), text)
		p.Sees(Text("not saved"))
	}
	p.Click(Link("Shared"))
	mine("mine")

	// What is not saved is there again after a visit to another screen, and the browser asks before
	// the page is left.
	p.Click(Link("Status"))
	p.Sees(Heading("Status"))
	p.Click(Link("Workflows").At(0))
	p.Click(Link("Shared"))
	p.Sees(Text("not saved"))
	var asked atomic.Bool
	p.OnDialog(func(string) bool {
		asked.Store(true)
		return false // stay
	})
	p.Reload()
	p.Until("the browser has asked", asked.Load)
	p.Sees(Text("not saved"))

	put(t, s, "shared", echo("Shared", "theirs"))
	p.Sees(Button("Compare"))
	p.Click(Button("Save").At(0))
	p.Sees(Dialog("The workflow was saved by somebody else"))
	p.Looks(func(look string) { p.Axe("conflict, " + look) })
	if got := s.output(t, "shared"); got != "theirs" {
		t.Errorf("before the answer, %q is stored", got)
	}
	p.Click(Button("Keep mine, and save"))
	p.SeesNot(Text("not saved"))
	if got := s.output(t, "shared"); got != "mine" {
		t.Errorf("after keeping mine, %q is stored", got)
	}

	mine("mine again")
	put(t, s, "shared", echo("Shared", "theirs again"))
	p.Click(Button("Compare"))
	p.Click(Button("Take theirs"))
	p.SeesNot(Text("not saved"))
	p.Click(node("echo"))
	if got := p.Text(Field("Output")); got != "theirs again" {
		t.Errorf("after taking theirs, the form has %q", got)
	}

	mine("mine for the third time")
	if err := s.AdminRequest(t.Context(), http.MethodDelete, "workflows/shared", nil, nil); err != nil {
		t.Fatal(err)
	}
	p.Click(Button("What to do"))
	p.Click(Button("Create it again"))
	p.SeesNot(Text("not saved"))
	if got := s.output(t, "shared"); got != "mine for the third time" {
		t.Errorf("after creating it again, %q is stored", got)
	}
}

// TestTheServerGoesAway stops a server under an open page, and starts it again.
func TestTheServerGoesAway(t *testing.T) {
	s, p := open(t, Options{})
	p.Expect(404, 502, 503)
	put(t, s, "here", echo("Here", "first"))
	p.Click(Link("Here"))
	p.Click(node("echo"))
	p.Fill(Field("Output"), "mine")
	p.Offline(true)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	p.Sees(Text("No connection"))
	p.Click(Button("Save").At(0))
	p.Sees(Text("The server does not answer"))
	p.Looks(func(look string) { p.Axe("without a server, " + look) })
	if !strings.Contains(p.Text(Field("Output")), "mine") {
		t.Error("what was typed is gone")
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Sees(Text("Live"))
	p.Offline(false)
	p.Click(Button("Save").At(0))
	p.SeesNot(Text("not saved"))
	if got := s.output(t, "here"); got != "mine" {
		t.Errorf("%q is stored", got)
	}
	// The page follows the new process, too.
	put(t, s, "new", echo("A new one", "x"))
	p.Click(Link("Workflows").At(0))
	p.Sees(Link("A new one"))
}

// TestReloadsAreNotNoticed reloads the config under an open page: it goes on, and misses nothing.
func TestReloadsAreNotNoticed(t *testing.T) {
	s, p := open(t, Options{})
	p.Offline(true) // the stream ends, and is connected again
	p.Sees(Text("Live"))
	p.Sees(Text("No workflows yet")) // the code of the screen is loaded, too
	for range 2 {
		if _, err := s.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, "after", echo("After the reload", "x"))
	p.Sees(Link("After the reload"))
	p.Sees(Text("Live"))
}

// TestAnOldTab opens a screen of a page whose files are gone, as after an upgrade.
func TestAnOldTab(t *testing.T) {
	_, p := open(t, Options{})
	p.Sees(Heading("Workflows"))
	p.Expect(404)
	p.Gone("/assets/")
	p.Tolerate(func() {
		p.Click(Link("Status"))
		p.Sees(Text("could not be loaded"))
	})
	p.Looks(func(look string) { p.Axe("old tab, " + look) })
	p.Gone("")
	p.Click(Button("Reload").At(0))
	p.Sees(Heading("Status"))
}
