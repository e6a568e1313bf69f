package consoletest

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/flowtrux/edge/internal/crash"
)

// hostile is a text as nobody should show it: markup, a control character and a mark that changes
// the direction of what follows.
const hostile = `<b id=injected>bold</b> \u0007\u202e`

// put stores a workflow.
func put(t *testing.T, s *Server, id, document string) {
	t.Helper()
	if err := s.Put(t.Context(), id, document); err != nil {
		t.Fatal(err)
	}
}

// send sends n webhooks and returns the id of the last execution.
func send(t *testing.T, s *Server, workflow, body string, n int) (id string) {
	t.Helper()
	for range n {
		a, err := s.Send(t.Context(), crash.Request{Workflow: workflow, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		id = a.Header.Get("X-Execution-Id")
	}
	return id
}

// failing is a workflow whose node throws a hostile text in its second line.
func failing() string {
	return Document("Orders", []string{
		Transform("order", `{"id":"{{trigger.data.id}}"}`),
		`{"id":"sum","type":"code","name":"Sum up","config":{"source":"const order = input;\nthrow new Error('no items ` + hostile + `')","input":"{{steps.order.output}}"}}`,
		Transform("after", `1`),
	}, []string{"trigger>order", "order>sum", "sum>after"})
}

// TestWhereItFailed finds out where an execution failed, with what, and with which input: without a
// click in the list, with one in the execution. Then it runs the execution again.
func TestWhereItFailed(t *testing.T) {
	s, p := open(t, Options{})
	put(t, s, "orders", failing())
	id := send(t, s, "orders", `{"id":12345678901234567890}`, 1)
	p.Click(Link("Executions"))
	row := Row("orders")
	p.Sees(row.With("no items"))
	p.Sees(Text("code_error").Within(row))
	p.Sees(Text("sum").Within(row))
	p.Looks(func(look string) { p.Axe("executions, " + look) })

	p.Click(Link(id[len(id)-6:]))
	p.At("#/executions/" + id)
	panel := CSS("article")
	p.Sees(Heading("Sum up").Within(panel))
	p.Sees(Text("throw new Error").Within(panel)) // the line of the code
	p.Sees(Text("12345678901234567890").Within(panel))
	p.Sees(Text("⟨U+202E⟩").Within(panel))
	p.Holds(`document.getElementById("injected") === null`)
	p.Click(Button("after stopped"))
	p.Sees(Text("sum failed").Within(panel))
	p.Looks(func(look string) { p.Axe("an execution, " + look) })

	p.Click(Button("Replay…"))
	p.Sees(Heading("Replay this execution?"))
	p.Click(Button("Replay"))
	p.Sees(Text("Replay of"))
	p.Holds(fmt.Sprintf(`!location.hash.includes(%q)`, id))
	p.Sees(Heading("failed"))
}

// TestTheListIsLive sees executions appear. What one reads does not move.
func TestTheListIsLive(t *testing.T) {
	s, p := open(t, Options{})
	p.Expect(http.StatusNotFound) // of an execution that is not recorded yet
	put(t, s, "echo", Document("Echo", []string{Transform("echo", `"{{trigger.data}}"`)}, []string{"trigger>echo"}))
	p.Click(Link("Executions"))
	p.Sees(Heading("No executions yet"))
	send(t, s, "echo", `{}`, 1)
	p.Sees(Row("echo"))
	send(t, s, "echo", `{}`, 40)
	p.Holds(`document.querySelectorAll("tbody tr").length === 41`)

	p.Eval(`scrollTo(0, 500)`, nil)
	p.Holds(`scrollY > 400`)
	var before, after float64
	const place = `document.querySelector("tbody tr:nth-child(20)").getBoundingClientRect().top`
	p.Eval(place, &before)
	last := send(t, s, "echo", `{}`, 2)
	p.Sees(Button("2 new"))
	p.Eval(place, &after)
	if before != after {
		t.Errorf("a row moved from %v to %v", before, after)
	}
	p.Click(Button("2 new"))
	// Executions of the same millisecond are in no order.
	p.Sees(Link(last[len(last)-6:]).Within(CSS("tbody tr:nth-child(-n+2)")))

	// One can go on typing after a filter was applied.
	p.Fill(Field("Workflow id"), "ech")
	p.At("#/executions?workflow=ech")
	p.Sees(Heading("No execution matches"))
	p.Type("o")
	p.Holds(`document.querySelectorAll("tbody tr").length === 43`)

	// A filter that excludes everything says which part of it does.
	p.Click(Button("cancelled"))
	p.Sees(Heading("No execution matches"))
	p.Click(Button("Remove: shows some"))
	p.Holds(`document.querySelectorAll("tbody tr").length === 43`)
}

// TestSelectedExecutions runs several executions again, after it was told how many.
func TestSelectedExecutions(t *testing.T) {
	s, p := open(t, Options{})
	put(t, s, "orders", failing())
	send(t, s, "orders", `{"id":1}`, 7)
	p.Click(Link("Executions"))
	p.Holds(`document.querySelectorAll("tbody tr").length === 7`)
	p.Click(Field("Select all that are shown"))
	p.Click(Button("Replay 7…"))
	p.Click(CSS("input[type=radio]").At(1))
	p.Click(Button("Replay 7 executions"))
	p.Sees(Text("7 of 7 started again"))
	p.Click(Button("Close").At(-1))
	p.Until("14 executions have ended", func() bool {
		all, err := s.Executions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ended := 0
		for _, e := range all {
			if !e.EndedAt.IsZero() {
				ended++
			}
		}
		return len(all) == 14 && ended == 14
	})
}

// TestTryingSendsOnce sends an event by a double click. It is sent once; what went over the wire is
// shown, and what each node did.
func TestTryingSendsOnce(t *testing.T) {
	s, p := open(t, Options{})
	put(t, s, "echo", Document("Echo", []string{Transform("echo", `"{{trigger.data.order.id}}"`)}, []string{"trigger>echo"}))
	p.Go(s.Console() + "#/workflows/echo/try")
	p.Holds(`JSON.parse(document.querySelector("textarea").value).order.id === ""`) // it reads that
	p.Fill(Field("Body"), `{"order": {"id": 1.10}`)
	p.Sees(Text("Not JSON"))
	p.Type("}")
	p.SeesNot(Text("Not JSON"))
	p.DoubleClick(Button("Send"))
	p.Sees(Text("X-Webhook-Signature").Within(CSS("[aria-label=Request]")))
	p.Sees(Text(fmt.Sprint(http.StatusOK)).Within(CSS("[aria-label=Response]")))
	p.Sees(Button("echo succeeded"))
	p.Sees(Text("1.10").Within(CSS("article")))
	p.Looks(func(look string) { p.Axe("trying, " + look) })
	all, err := s.Executions(t.Context())
	if err != nil || len(all) != 1 {
		t.Errorf("%d executions, %v", len(all), err)
	}

	// The event of the execution is offered to be sent again.
	p.Fill(Field("Body"), `{}`)
	const event = `document.querySelector("option[value^='event:']")`
	p.Holds(event + ` !== null`)
	p.Eval(`(() => {
		const list = document.querySelector("select");
		list.value = `+event+`.value;
		list.dispatchEvent(new Event("change", {bubbles: true}));
	})()`, nil)
	p.Holds(`document.querySelector("textarea").value.includes("1.10")`)
}

// sharedJournal is a script for a page that gets records as those of several machines that share a
// journal: edge-1 has taken the request, and edge-2 has run the node echo.
const sharedJournal = `(() => {
	const get = window.fetch;
	window.fetch = async (...r) => {
		const answer = await get(...r);
		if (!answer.ok || !/\/executions\/exec-[^/]+$/.test(r[0])) return answer;
		const text = (await answer.text()).replace("{", '{"machine":"edge-1",').replace(/"id": *"echo"/, '$&,"machine":"edge-2"');
		return new Response(text, answer);
	};
})()`

// TestMachines shows which machine has taken a request, and which other one has run a node.
func TestMachines(t *testing.T) {
	s := Start(t, caddy, Options{})
	put(t, s, "echo", echoDocument)
	id := send(t, s, "echo", `{}`, 1)
	p := browser.Open(t)
	p.BeforeEach(sharedJournal)
	p.SignIn(s.Console(), User, Password)
	p.Click(Link("Executions"))
	p.Click(Link(id[len(id)-6:]))
	p.Sees(Text("Taken by"))
	p.Sees(Text("edge-1").Within(CSS(".run-facts")))
	p.Sees(Text("Ran on"))
	p.Sees(Text("edge-2").Within(CSS(".node-facts")))
}
