package consoletest

import "testing"

// lateStreams is a script for a page whose streams of events are connected when the test says so.
// On demand, the page is not told where events begin.
const lateStreams = `(() => {
	const Real = EventSource;
	const all = [];
	window.EventSource = class {
		constructor(url) { this.url = url; this.listeners = []; all.push(this); }
		addEventListener(...l) { if (this.real) this.real.addEventListener(...l); else this.listeners.push(l); }
		close() { this.real?.close(); }
		connect() { this.real = new Real(this.url); for (const l of this.listeners) this.real.addEventListener(...l); }
	};
	const get = window.fetch;
	const refuse = sessionStorage.getItem("refuse");
	window.fetch = (...r) => refuse && r[0].endsWith("flowtrux/events") ? Promise.reject(new TypeError("refused")) : get(...r);
	window.connectStreams = () => all.splice(0).forEach((s) => s.connect());
})()`

// TestNothingIsMissedBeforeTheStream ends an execution after the page has loaded its list, and
// before its stream of events is connected: the page knows where events begin, or loads again.
func TestNothingIsMissedBeforeTheStream(t *testing.T) {
	for name, refused := range map[string]bool{"from a cursor": false, "without one": true} {
		t.Run(name, func(t *testing.T) {
			s := Start(t, caddy, Options{})
			put(t, s, "echo", echoDocument)
			p := browser.Open(t)
			p.BeforeEach(lateStreams)
			p.SignIn(s.Console(), User, Password)
			if refused {
				p.Eval(`sessionStorage.setItem("refuse", "yes")`, nil)
				p.Reload()
			}
			p.Click(Link("Executions"))
			p.Sees(Heading("No executions yet"))
			send(t, s, "echo", `{}`, 1)
			p.Eval("connectStreams()", nil)
			p.Sees(Row("echo"))
		})
	}
}
