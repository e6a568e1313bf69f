package consoletest

import (
	"strings"
	"testing"
)

// fields is a workflow whose node has a template, a place for one, and a template that is wrong.
func fields() string {
	return Document("Fields", []string{
		Transform("order", `{"id":"{{trigger.data.order id}}","total":"{{trigger.data.total}}"}`),
		`{"id":"tell","type":"http-request","name":"Tell","config":{"url":"http://127.0.0.1/","headers":{"X-Order":"{{steps.order.output.id}}"}}}`,
	}, []string{"trigger>order", "order>tell"})
}

// TestTemplatesAreCompleted writes a template by keyboard, from what the last event had, and sees
// what it gives.
func TestTemplatesAreCompleted(t *testing.T) {
	s, p := open(t, Options{})
	put(t, s, "fields", fields())
	send(t, s, "fields", `{"order id":"A-17","total":12345678901234567890.10,"secret":"***"}`, 1)
	p.Go(s.Console() + "#/workflows/fields")
	p.Click(node("tell"))

	url := Field("Request")
	p.Sees(Text(`"A-17"`).Within(CSS(".template-preview")))
	p.Fill(url, "https://127.0.0.1/{{tot")
	list := Query{Role: "listbox", Name: "Values"}
	p.Sees(Query{Role: "option", Text: "steps.order.output.total"}.Within(list))
	p.Looks(func(look string) { p.Axe("suggestions, " + look) })
	p.Press("ArrowDown", "Enter")
	p.SeesNot(list)
	if got := p.Text(url); got != "https://127.0.0.1/{{steps.order.output.total}}" {
		t.Errorf("the field has %s", got)
	}
	p.Sees(Text(`"https://127.0.0.1/12345678901234567890.10"`)) // with all digits

	// The list opens by a key, too, and closes without a choice.
	p.Press("Control+Space")
	p.Sees(Query{Role: "option", Text: `trigger.data["order id"]`}.Within(list))
	p.Press("Escape")
	p.SeesNot(list)
	p.Type(" {{global.nope}}")
	p.Sees(Text("no global has the key"))
}

// TestProblemsAreAtTheirFields goes from the list of problems to the field of one.
func TestProblemsAreAtTheirFields(t *testing.T) {
	s, p := open(t, Options{})
	put(t, s, "fields", fields())
	p.Go(s.Console() + "#/workflows/fields")
	p.Click(node("tell"))
	p.Fill(Field("X-Order"), "{{steps.nobody.output}}")
	p.Sees(Text(`no node has the id "nobody"`).Within(CSS(".node-form")))
	p.Click(Button("Close, back to the list of nodes"))
	p.Click(Button("1 problem"))
	p.Click(Button("config.headers.X-Order"))
	var value string
	p.Until("the field has the focus", func() bool {
		return p.eval("document.activeElement.value ?? ''", &value) == nil && strings.Contains(value, "nobody")
	})
	p.Looks(func(look string) { p.Axe("a field with a problem, " + look) })
}

// TestCodeIsWrittenAndLeft writes code by keyboard: brackets come in pairs, lines are indented, a
// mistake is at its line, and Escape lets Tab leave.
func TestCodeIsWrittenAndLeft(t *testing.T) {
	s, p := open(t, Options{})
	put(t, s, "code", Document("Code", []string{`{"id":"sum","type":"code","config":{"source":"return 1"}}`}, []string{"trigger>sum"}))
	p.Go(s.Console() + "#/workflows/code")
	p.Click(node("sum"))
	code := Field("Code, JavaScript")
	p.Sees(CSS(".cm-content")) // until then it is a plain field
	p.Fill(code, "if (input.a) {\nreturn [1")
	p.Press("End")
	p.Sees(Text("valid"))
	if got, want := strings.Join(strings.Fields(p.Text(code)), " "), "if (input.a) { return [1]}"; !strings.Contains(got, want) {
		t.Errorf("the code is %q, want %q", got, want)
	}
	p.Type(" +;")
	p.Sees(Text("SyntaxError"))
	p.Sees(CSS(".sign.bad"))
	p.Press("Escape", "Tab")
	p.Holds("document.activeElement.shadowRoot === null")
}
