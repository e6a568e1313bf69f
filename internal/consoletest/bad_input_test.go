package consoletest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowtrux/edge/internal/crash"
	"github.com/flowtrux/edge/internal/wasmbuild"
)

// hostileText is a text that wants to be markup, to be invisible, and to turn around what follows.
const hostileText = "<img src=x onerror=\"window.pwned=1\"><script>window.pwned=1</script>\u202etxt.exe\u2066\u0007\u001b[31m\ufeff{{x}}"

// long is a line of 1 MB.
var long = strings.Repeat("W", 1_000_000)

// TestHostileTexts goes to all screens of a server whose names, outputs, logs and errors are full
// of markup, control characters, marks that change the direction of text, and lines of 1 MB. None
// of it is run, all of it is visible as text, and no page becomes wider than its window.
func TestHostileTexts(t *testing.T) {
	s := Start(t, caddy, Options{App: "limits {\nbody 4MiB\n}", Handler: ""})
	code := func(source string) string {
		return fmt.Sprintf(`{"id":"code","type":"code","name":%s,"config":{"source":%s}}`, quote(hostileText), quote(source))
	}
	for id, document := range map[string]string{
		"hostile": Document(hostileText, []string{code(`console.log(input.text); console.log(input.long.slice(0, 9000)); return input`)}, []string{"trigger>code"}),
		"errors":  Document("Errors", []string{code(`throw Object.assign(new Error(input.text + input.long), {code: "bad"})`)}, []string{"trigger>code"}),
	} {
		put(t, s, id, document)
	}
	event, err := json.Marshal(map[string]any{"text": hostileText, hostileText: 1, "long": long})
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]any{"hostile": hostileText, "long": long} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AdminRequest(t.Context(), http.MethodPut, "globals/"+key, text, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.WaitPrepared(t.Context()); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, workflow := range []string{"hostile", "errors"} {
		a, err := s.Send(t.Context(), crash.Request{Workflow: workflow, Body: string(event)})
		if want := map[string]int{"hostile": http.StatusOK, "errors": http.StatusInternalServerError}[workflow]; err != nil || a.Status != want {
			t.Fatalf("%s: status %d, %v", workflow, a.Status, err)
		}
		ids = append(ids, a.Header.Get("X-Execution-Id"))
	}

	p := browser.Open(t)
	p.Expect(404)
	p.SignIn(s.Console(), User, Password)
	p.Until("the executions are recorded", func() bool { return executions(t, s) == 2 })
	marked := make(map[string]bool)
	for _, route := range []string{
		"#/", "#/workflows/hostile", "#/workflows/hostile/document", "#/workflows/hostile/try", "#/workflows/errors", "#/executions",
		"#/executions/" + ids[0], "#/executions/" + ids[0] + "?node=code", "#/executions/" + ids[1], "#/executions/" + ids[1] + "?node=code",
		"#/secrets", "#/globals", "#/nodes", "#/status",
	} {
		p.Eval("location.hash = "+quote(route), nil)
		p.Rests()
		for _, width := range []int64{1440, 360} {
			p.Size(width, 900)
			var found struct {
				Pwned, Wide bool
				Images      int
				Bytes       int
				Raw         string
				Marked      bool
			}
			p.Eval(`(() => {
				const text = document.body.innerText;
				return {
					Pwned: window.pwned !== undefined, Wide: document.documentElement.scrollWidth > innerWidth,
					Images: document.querySelectorAll('img[src="x"], script:not([src])').length, Bytes: document.documentElement.outerHTML.length,
					Raw: (/[\u202a-\u202e\u2066-\u2069\u0007\u001b]/.exec(text) || [""])[0] && text.slice(0, 500),
					Marked: text.includes("⟨U+202E⟩"),
				};
			})()`, &found)
			if found.Marked {
				marked[route] = true
			}
			if found.Pwned || found.Images > 0 {
				t.Errorf("%s: markup of a text is a part of the page", route)
			}
			if found.Wide {
				t.Errorf("%s, %d px: the page is wider than its window", route, width)
			}
			if found.Bytes > 500_000 {
				t.Errorf("%s: the document has %d characters: long texts have to be shortened", route, found.Bytes)
			}
			if found.Raw != "" {
				t.Errorf("%s: an invisible character is not made visible in %q", route, found.Raw)
			}
		}
		p.Size(1440, 900)
	}
	if len(marked) < 6 {
		t.Errorf("invisible characters are visible on these screens only: %v", marked)
	}
	// Numbers keep their digits.
	a, err := s.Send(t.Context(), crash.Request{Workflow: "errors", Body: `{"number":12345678901234567890.10}`})
	if err != nil {
		t.Fatal(err)
	}
	p.Eval("location.hash = "+quote("#/executions/"+a.Header.Get("X-Execution-Id")+"?node=trigger"), nil)
	p.Sees(Text("12345678901234567890.10"))
}

// TestCustomNodes opens the forms of nodes that nobody here knows: one has 200 fields, and one no
// schema.
func TestCustomNodes(t *testing.T) {
	dir := t.TempDir()
	properties := make([]string, 200)
	for i := range properties {
		kind := []string{`{"type":"string"}`, `{"type":"integer","minimum":0}`, `{"type":"boolean"}`, `{"enum":["a","b"]}`, `{"type":"array","items":{"type":"string"}}`}[i%5]
		properties[i] = fmt.Sprintf(`"field_%03d":%s`, i, kind)
	}
	manifest := fmt.Sprintf(`{"abi":1,"type":"wide","version":"1.0.0","summary":%s,"config":{"type":"object","properties":{%s},"required":["field_000"]}}`,
		quote("Has many fields "+strings.Map(func(r rune) rune {
			if r < ' ' {
				return -1
			}
			return r
		}, hostileText)), strings.Join(properties, ","))
	wide := wasmbuild.Module{Run: wasmbuild.I64Const(16<<32 | 4), Data: "null", Manifest: manifest}
	for name, module := range map[string][]byte{"wide": wide.Bytes(), "bare": wasmbuild.StubModule("null")} {
		if err := os.WriteFile(filepath.Join(dir, name+".wasm"), module, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, p := open(t, Options{App: fmt.Sprintf("node wide %[1]s/wide.wasm\nnode bare %[1]s/bare.wasm", dir)})
	put(t, s, "custom", Document("Custom", []string{
		`{"id":"wide","type":"wide","config":{"field_000":"x"}}`, `{"id":"bare","type":"bare","config":{"anything":[1,{"a":true}]}}`,
	}, []string{"trigger>wide", "wide>bare"}))

	p.Click(Link("Custom"))
	p.Click(node("wide"))
	p.Fill(Field("Field 000"), "from the form")
	p.Sees(Text("not saved"))
	p.Axe("a form of 200 fields")
	p.Click(node("bare"))
	p.Sees(Text("anything"))
	p.Axe("a form without a schema")
	p.Click(Button("Save").At(0))
	p.SeesNot(Text("not saved"))

	p.Click(Link("Node types").At(0))
	p.Click(Link("wide").At(0))
	p.Sees(Text("field_199"))
	p.Axe("a node type with 200 fields")
}
