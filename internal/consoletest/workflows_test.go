package consoletest

import (
	"net/http"
	"strings"
	"testing"
)

// TestImportAndDelete imports documents, and deletes a workflow that somebody else is changing.
func TestImportAndDelete(t *testing.T) {
	s, p := open(t, Options{})
	paste := func(document string) {
		t.Helper()
		p.Fill(Field("Or paste a document"), document)
		p.Click(Button("Check"))
	}
	p.Sees(Heading("No workflows yet"))
	p.Click(Button("Import").At(0))
	paste(strings.Replace(echoDocument, `{"name"`, `{"id":"echo","name"`, 1))
	p.Sees(Query{Role: "listitem", Text: "echo"}.With("valid"))
	p.Click(Button("Import 1 workflow"))
	p.Sees(Query{Role: "listitem", Text: "stored"})

	// The same id again is replaced only on demand, and what is wrong is never stored.
	paste(`{"id":"echo","name":"Other","nodes":[]}`)
	p.Sees(Query{Role: "listitem", Text: "not valid"})
	paste(strings.Replace(echoDocument, `{"name":"Echo"`, `{"id":"echo","name":"Echo, again"`, 1))
	p.Sees(Field("Replace the workflow that is stored now"))
	p.Looks(func(look string) { p.Axe("documents to import, " + look) })
	p.Click(Field("Replace the workflow that is stored now"))
	p.Click(Button("Import 1 workflow"))
	p.Sees(Query{Role: "listitem", Text: "stored"}.At(1))
	p.Click(Button("Done"))
	p.Sees(Row("Echo, again"))

	actions := Button("Actions for Echo, again")
	p.Click(actions)
	p.Click(Query{Role: "menuitem", Name: "Deactivate"})
	p.Sees(Row("Echo, again").With("inactive"))

	p.Expect(412)
	p.Click(actions)
	p.Click(Query{Role: "menuitem", Name: "Delete"})
	if err := s.Put(t.Context(), "echo", strings.Replace(echoDocument, "Echo", "Changed", 1)); err != nil {
		t.Fatal(err)
	}
	p.Fill(Field("Type echo to confirm"), "echo")
	p.Click(Button("Delete"))
	p.Sees(Text("Somebody else has changed this workflow"))
	p.Looks(func(look string) { p.Axe("deleting what was changed, " + look) })
	p.Press("Escape")
	p.Click(Button("Actions for Changed"))
	p.Click(Query{Role: "menuitem", Name: "Delete"})
	p.Fill(Field("Type echo to confirm"), "echo")
	p.Click(Button("Delete"))
	p.Sees(Heading("No workflows yet"))
	if err := s.AdminRequest(t.Context(), http.MethodGet, "workflows/echo", nil, nil); err == nil {
		t.Error("the workflow is still there")
	}
}

// TestAThousandWorkflows scrolls, searches and filters, and comes back to the same place.
func TestAThousandWorkflows(t *testing.T) {
	const n = 1000
	seed := t.TempDir()
	if err := SeedWorkflows(seed, n); err != nil {
		t.Fatal(err)
	}
	_, p := open(t, Options{Store: "seed " + seed})
	p.Sees(Text("1,000 workflows"))
	if rows := p.Count(CSS("tbody tr")); rows > 100 {
		t.Errorf("%d rows are in the document: only those in view should be", rows)
	}
	p.Eval("scrollTo(0, 30000)", nil)
	p.Sees(Row("Seeded workflow 470"))
	p.Holds("history.state?.y === 30000")
	p.Click(Link("Seeded workflow 470"))
	p.At("#/workflows/seeded-0470")
	p.Eval("history.back()", nil)
	p.Sees(Row("Seeded workflow 470"))
	p.Holds("scrollY === 30000")

	p.Fill(Field("Search by name or id"), "workflow 99")
	p.Sees(Text("19 of 1,000 workflows"))
	p.At("#/?q=workflow+99")
	p.Reload()
	p.Sees(Text("19 of 1,000 workflows"))
	p.Fill(Field("Search by name or id"), "nothing like it")
	p.Sees(Heading("No workflow matches"))
	p.Looks(func(look string) { p.Axe("nothing found, " + look) })
	p.Click(Button("Show all 1,000"))
	p.Sees(Row("Seeded workflow 0"))
}
