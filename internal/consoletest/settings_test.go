package consoletest

import (
	"net/http"
	"testing"

	"github.com/flowtrux/edge/internal/crash"
)

// echoDocument answers with the event that it got.
var echoDocument = Document("Echo", []string{Transform("echo", `"{{trigger.data}}"`)}, []string{"trigger>echo"})

// TestSecretsOnTheirScreen sets a missing secret, rotates it, and deletes both.
func TestSecretsOnTheirScreen(t *testing.T) {
	s, p := open(t, Options{})
	if err := s.AdminRequest(t.Context(), http.MethodPut, "workflows/echo", []byte(echoDocument), nil); err != nil {
		t.Fatal(err)
	}
	send := func(secret string) int {
		t.Helper()
		a, err := s.Send(t.Context(), crash.Request{Workflow: "echo", Body: `{}`, Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		return a.Status
	}
	// generate stores a new secret and returns what the dialog shows.
	generate := func() string {
		t.Helper()
		p.Click(Button("Generate and store"))
		secret := p.Text(CSS("dialog .secret-text"))
		p.Looks(func(look string) { p.Axe("a new secret, " + look) })
		p.Click(Button("Done"))
		return secret
	}

	p.Expect(404) // of a secret that is not there yet
	p.Click(Link("Secrets"))
	p.Sees(Row("Echo").With("no secret"))
	p.Click(Button("Set the secret of Echo"))
	first := generate()
	p.Sees(Row("Echo").With("1 secret, does not expire"))
	if status := send(first); status != http.StatusOK {
		t.Errorf("a webhook with the secret that was generated: status %d", status)
	}

	p.Click(Button("Rotate the secret of Echo"))
	p.Sees(Field("The old secret stays valid for"))
	second := generate()
	p.Sees(Row("Echo").With("one expires in 24 h"))
	for name, secret := range map[string]string{"old": first, "new": second} {
		if status := send(secret); status != http.StatusOK {
			t.Errorf("a webhook with the %s secret: status %d", name, status)
		}
	}

	p.Click(Button("Rotate the secret of Echo"))
	p.Sees(Field("The old secrets stay valid for")) // it knows both
	p.Click(Button("Delete"))
	p.Click(Button("Delete").Within(Dialog("Delete all secrets of echo?")))
	p.Sees(Row("Echo").With("no secret"))
	if status := send(second); status != http.StatusUnauthorized {
		t.Errorf("a webhook with a deleted secret: status %d", status)
	}
}

// TestGlobalsOnTheirScreen makes globals, and changes one that somebody else has changed meanwhile.
func TestGlobalsOnTheirScreen(t *testing.T) {
	s, p := open(t, Options{})
	const digits = "12345678901234567890.10"
	stored := func(key string) string {
		t.Helper()
		var text string
		p.Eval(`fetch("flowtrux/globals/`+key+`").then((r) => r.ok ? r.text() : "none").then((t) => t.trim())`, &text)
		return text
	}
	create := func(key, form, value string) {
		t.Helper()
		p.Click(Button("New global").At(0))
		p.Fill(Field("Key"), key)
		p.Click(Field(form))
		p.Fill(Field("Value"), value)
	}

	p.Click(Link("Globals"))
	p.Sees(Heading("No globals yet"))
	create("rate", "JSON", "{\n x: 1}")
	p.Sees(Text("line 2, column 2"))
	p.Fill(Field("Value"), digits)
	p.Looks(func(look string) { p.Axe("a new global, " + look) })
	p.Click(Button("Store"))
	p.Sees(Row("rate").With(digits))
	create("code", "Text", "5")
	p.Click(Button("Store"))
	p.Sees(Row("code").With(`"5"`))
	for key, want := range map[string]string{"rate": digits, "code": `"5"`} {
		if got := stored(key); got != want {
			t.Errorf("the global %s is %s, not %s", key, got, want)
		}
	}

	p.Expect(412)
	p.Click(Button("Edit rate"))
	p.Fill(Field("Value"), "3")
	if err := s.AdminRequest(t.Context(), http.MethodPut, "globals/rate", []byte("2.50"), nil); err != nil {
		t.Fatal(err)
	}
	p.Click(Button("Store"))
	p.Sees(Text("Somebody else has changed this global"))
	p.Sees(CSS("pre").With("2.50"))
	if got := stored("rate"); got != "2.50" {
		t.Errorf("the global was stored over that of somebody else: %s", got)
	}
	p.Looks(func(look string) { p.Axe("two values of a global, " + look) })
	p.Click(Button("Keep mine"))
	p.Click(Button("Store"))
	p.Sees(Row("rate").With("3"))

	p.Expect(404)
	p.Click(Button("Edit rate"))
	p.Click(Button("Delete"))
	p.Click(Button("Delete").Within(Dialog("Delete rate?")))
	p.Sees(Text("rate is deleted."))
	p.SeesNot(Row("rate"))
	if got := stored("rate"); got != "none" {
		t.Errorf("the global is still there: %s", got)
	}
}

// TestNodeTypesAndStatus looks at a node type, and goes from what needs mending to where that is.
func TestNodeTypesAndStatus(t *testing.T) {
	s, p := open(t, Options{})
	p.Click(Link("Node types"))
	p.Click(Link("http-request"))
	p.Sees(Row("url").With("required"))
	p.Looks(func(look string) { p.Axe("a node type, " + look) })

	p.Click(Link("Status"))
	p.Sees(Text("Nothing needs mending."))
	if err := s.AdminRequest(t.Context(), http.MethodPut, "workflows/echo", []byte(echoDocument), nil); err != nil {
		t.Fatal(err)
	}
	p.Sees(CSS(".mending").With("is missing"))
	p.Sees(Link("Status").With("1 to mend"))
	if a, err := s.Send(t.Context(), crash.Request{Workflow: "echo", Body: `{}`}); err != nil || a.Status != http.StatusUnauthorized {
		t.Fatal(a, err)
	}
	p.Reload() // the counts are loaded only now and then
	p.Sees(Row("invalid_signature").With("1"))
	p.Looks(func(look string) { p.Axe("troubles, " + look) })
	p.Expect(404)
	p.Click(Link("Set echo"))
	p.Sees(Heading("Secrets"))
	p.Sees(Row("Echo").With("no secret"))
}
