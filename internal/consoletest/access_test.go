package consoletest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/flowtrux/edge/internal/crash"
)

// executions returns how many executions the server has.
func executions(t *testing.T, s *Server) int {
	t.Helper()
	all, err := s.Executions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// TestOtherSitesReachNothing opens pages of other sites in the browser of somebody who has signed
// in to a console. They try to read, to run, to change and to frame it.
func TestOtherSitesReachNothing(t *testing.T) {
	s, p := open(t, Options{})
	if err := s.Put(t.Context(), "echo", Document("Echo", []string{Transform("echo", `"{{trigger.data}}"`)}, []string{"trigger>echo"})); err != nil {
		t.Fatal(err)
	}
	first, err := s.Send(t.Context(), crash.Request{Workflow: "echo", Body: `{}`})
	if err != nil || first.Status != http.StatusOK {
		t.Fatal(first, err)
	}
	p.Until("the execution is recorded", func() bool { return executions(t, s) == 1 })
	var record string
	p.Eval(`fetch("flowtrux/executions").then((r) => r.json()).then((r) => r.executions[0].id)`, &record)

	page := fmt.Sprintf(`<!doctype html><title>other</title><body><iframe src=%[1]q></iframe>
<iframe name="sink" hidden></iframe>
<form id="form" target="sink" method="post" enctype="text/plain" action="%[1]sflowtrux/executions/%[2]s/replay"></form>
<img src="%[1]sflowtrux/workflows"><script src="%[1]sflowtrux/workflows/echo"></script>
<script>
const api = %[1]q + "flowtrux/";
const attempt = (path, options) => fetch(api + path, {credentials: "include", ...options}).then((r) => r.type === "opaque" ? "" : path + ": read " + r.status, () => "");
window.tried = Promise.all([
	attempt("workflows/echo"), attempt("workflows/echo", {mode: "no-cors"}), attempt("secrets"), attempt("status"),
	attempt("executions/%[2]s/replay", {method: "POST"}), attempt("executions/%[2]s/replay", {method: "POST", mode: "no-cors"}),
	attempt("send", {method: "POST", mode: "no-cors", body: '{"workflow":"echo","body":"{}"}'}),
	attempt("send", {method: "POST", headers: {"Content-Type": "application/json"}, body: '{"workflow":"echo","body":"{}"}'}),
	attempt("workflows/echo", {method: "PUT", headers: {"Content-Type": "application/json", "If-Match": "*"}, body: "{}"}),
	attempt("workflows/echo", {method: "DELETE", headers: {"If-Match": "*"}}),
	attempt("secrets/echo", {method: "DELETE", headers: {"If-Match": "*"}}),
]).then((read) => { document.getElementById("form").submit(); return read.filter(Boolean); });
</script>`, s.Console(), record)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, page)
	}))
	defer other.Close()

	// The page of the console has no reason to complain, and these pages have every.
	p.Check()
	for name, address := range map[string]string{
		"another site":      strings.Replace(other.URL, "127.0.0.1", "localhost", 1),
		"another port here": other.URL, // for the browser it is the same site
	} {
		t.Run(name, func(t *testing.T) {
			p.Tolerate(func() {
				p.Go(address)
				p.Holds("document.readyState === 'complete' && window.tried !== undefined")
				var read []string
				p.Eval("window.tried", &read)
				if len(read) > 0 {
					t.Errorf("a page of another origin has read %q", read)
				}
				var framed int
				p.Eval("document.querySelector('iframe').contentWindow.length + (document.querySelector('iframe').contentDocument?.body?.children.length ?? 0)", &framed)
				if framed != 0 {
					t.Errorf("the console is shown in a frame")
				}
				p.Go(s.Console()) // once it is there, what was sent before has ended
				p.Sees(Heading("Workflows"))
			})
			p.Until("a request of the console's own page is served", func() bool { return p.true(`fetch("flowtrux/status").then((r) => r.ok)`) })
			if n := executions(t, s); n != 1 {
				t.Errorf("there are %d executions: a page of another origin has run a workflow", n)
			}
			if err := s.AdminRequest(t.Context(), http.MethodGet, "workflows/echo", nil, nil); err != nil {
				t.Errorf("a page of another origin has deleted a workflow: %v", err)
			}
		})
	}
	// The same requests by the page itself do something: the test looks in the right place.
	p.Eval(fmt.Sprintf(`fetch("flowtrux/executions/%s/replay", {method: "POST"}).then((r) => { if (!r.ok) throw r.status })`, record), nil)
	p.Until("the console's own page has run it again", func() bool { return executions(t, s) == 2 })
}

// TestNobodyIsLetIn opens consoles that no authentication stands in front of.
func TestNobodyIsLetIn(t *testing.T) {
	s := Create(t, caddy, Options{Site: `
		handle_path /unprotected/* {
			flowtrux_console {
				prefix /
			}
		}
		handle_path /empty/* {
			request_header Remote-User "   "
			flowtrux_console {
				prefix /
				authenticated_by {header.Remote-User}
			}
		}`})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := browser.Open(t)
	p.Expect(403)
	for _, path := range []string{"unprotected", "empty"} {
		p.Go("http://" + s.Site() + "/" + path + "/")
		p.Sees(Heading("Nobody is logged in"))
		p.Sees(Text("authenticated_by"))
		p.Axe(path)
		for _, below := range []string{"session", "flowtrux/workflows", "flowtrux/events", "index.html"} {
			var status int
			p.Eval(fmt.Sprintf("fetch(%q).then((r) => r.status)", below), &status)
			if status != http.StatusForbidden {
				t.Errorf("/%s/%s without a user: status %d", path, below, status)
			}
		}
	}
	// Without a password the web server's own login is in front.
	response, err := http.Get(s.Console())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a password: status %d", response.StatusCode)
	}
}

// TestReadOnly looks at a console that may only read.
func TestReadOnly(t *testing.T) {
	s, p := open(t, Options{Console: "read_only"})
	if err := s.Put(t.Context(), "echo", Document("Echo", []string{Transform("echo", `"{{trigger.data}}"`)}, []string{"trigger>echo"})); err != nil {
		t.Fatal(err)
	}
	p.Sees(Text("Read-only"))
	for _, name := range []string{"New", "Import", "Delete", "Duplicate"} {
		if n := p.Count(Button(name)); n > 0 {
			t.Errorf("a read-only console has %d buttons %s", n, name)
		}
	}
	p.Expect(403)
	for _, request := range []string{
		`"flowtrux/workflows/echo", {method: "DELETE", headers: {"If-Match": "*"}}`,
		`"flowtrux/secrets/echo", {method: "PUT", headers: {"If-None-Match": "*", "Content-Type": "application/json"}, body: '{"secrets":[{"value":"x"}]}'}`,
		`"flowtrux/send", {method: "POST", headers: {"Content-Type": "application/json"}, body: '{"workflow":"echo","body":"{}"}'}`,
	} {
		var answer struct{ Code string }
		p.Eval("fetch("+request+").then((r) => r.json())", &answer)
		if answer.Code != "read_only" {
			t.Errorf("fetch(%s) of a read-only console: code %q", request, answer.Code)
		}
	}
	var valid bool
	p.Eval(`fetch("flowtrux/validate?id=x", {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"}).then((r) => r.json()).then((r) => r.problems.length > 0)`, &valid)
	if !valid {
		t.Error("a read-only console does not validate")
	}
}
