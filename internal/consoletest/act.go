package consoletest

import (
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp/kb"
)

// tick is the pause between two looks at the page.
const tick = 15 * time.Millisecond

// Until waits until ok returns true.
func (p *Page) Until(what string, ok func() bool) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: did not happen: %s", p.Address(), what)
		}
		time.Sleep(tick)
	}
}

// true reports whether an expression is true. While a page is loaded there may be nothing to ask.
func (p *Page) true(expression string) bool {
	var ok bool
	return p.eval(expression, &ok) == nil && ok
}

// Holds waits until a JavaScript expression is true.
func (p *Page) Holds(expression string) {
	p.t.Helper()
	p.Until(expression, func() bool { return p.true(expression) })
}

// Sees waits until something is visible.
func (p *Page) Sees(q Query) {
	p.t.Helper()
	p.Until("there is "+q.String(), func() bool { return p.true(q.script() + ".length > 0") })
}

// SeesNot waits until something is not visible.
func (p *Page) SeesNot(q Query) {
	p.t.Helper()
	p.Until("there is no "+q.String(), func() bool { return p.true(q.script() + ".length === 0") })
}

// Count returns how many elements are found now.
func (p *Page) Count(q Query) int {
	p.t.Helper()
	var n int
	p.Eval(q.script()+".length", &n)
	return n
}

// Text returns the text of the first element that is found, or the value of a field.
func (p *Page) Text(q Query) string {
	p.t.Helper()
	p.Sees(q)
	var text string
	p.Eval(fmt.Sprintf("(([e]) => e.value ?? e.textContent)(%s)", q.script()), &text)
	return text
}

// Address returns what is in the address bar.
func (p *Page) Address() string {
	var address string
	_ = p.eval("location.href", &address) // it is only shown
	return address
}

// At waits until the route of the page begins with a text, such as "#/executions".
func (p *Page) At(route string) {
	p.t.Helper()
	p.Until("the route is "+route, func() bool { return p.true("location.hash.startsWith(" + quote(route) + ")") })
}

// point is where an element can be clicked, or why it cannot.
type point struct {
	X, Y float64
	Why  string
}

// aim is the expression of a point: the middle of an element that is visible, enabled, at rest and
// not behind another. A hidden input stands behind its label.
const aim = `(async (list) => {
	if (!list.length) return {Why: "it is not there"};
	let e = list[0];
	if (e.matches(":disabled,[aria-disabled=true]")) return {Why: "it is disabled"};
	const deepest = (x, y) => {
		let at = document.elementFromPoint(x, y);
		while (at && at.shadowRoot && at.shadowRoot.elementFromPoint(x, y) !== at) {
			const inner = at.shadowRoot.elementFromPoint(x, y);
			if (!inner) break;
			at = inner;
		}
		return at;
	};
	const inside = (outer, n) => { for (; n; n = n.parentNode || n.host) if (n === outer) return true; return false; };
	const middle = (e) => { const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; };
	for (const target of [e, ...(e.labels || [])]) {
		const fits = () => { const [x, y] = middle(target); return x >= 0 && y >= 0 && x < innerWidth && y < innerHeight && inside(target, deepest(x, y)); };
		if (!fits()) target.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
		const [X, Y] = middle(target);
		for (let i = 0; i < 3; i++) {
			await new Promise(requestAnimationFrame);
			const now = middle(target);
			if (now[0] !== X || now[1] !== Y) return {Why: "it moves"};
		}
		if (fits()) return {X, Y};
	}
	const over = deepest(...middle(e));
	return {Why: "it is behind " + (over ? over.outerHTML.slice(0, 200) : "the edge of the page")};
})`

// aim waits until an element can be clicked.
func (p *Page) aim(q Query) point {
	p.t.Helper()
	var at point
	deadline := time.Now().Add(patience)
	for {
		at = point{}
		err := p.eval(aim+"("+q.script()+")", &at)
		if err == nil && at.Why == "" {
			return at
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: %s cannot be clicked: %s %v", p.Address(), q, at.Why, err)
		}
		time.Sleep(tick)
	}
}

// Click clicks the middle of the first element that is found, with the mouse.
func (p *Page) Click(q Query) {
	p.t.Helper()
	at := p.aim(q)
	p.tell("click %s", q)
	p.click(at.X, at.Y, 1)
}

// DoubleClick clicks twice.
func (p *Page) DoubleClick(q Query) {
	p.t.Helper()
	at := p.aim(q)
	p.click(at.X, at.Y, 1)
	p.click(at.X, at.Y, 2)
}

func (p *Page) click(x, y float64, count int64) {
	p.t.Helper()
	p.Mouse(input.DispatchMouseEventTypeMouseMoved, x, y, false)
	down := input.DispatchMouseEventParams{
		Type: input.DispatchMouseEventTypeMousePressed, X: x, Y: y, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: count,
	}
	up := down
	up.Type, up.Buttons = input.DispatchMouseEventTypeMouseReleased, 0
	call(p, input.DispatchMouseEvent, down)
	call(p, input.DispatchMouseEvent, up)
}

// Mouse sends one event of the mouse: it is pressed, moved with the left button down or up, or
// released.
func (p *Page) Mouse(typ input.DispatchMouseEventType, x, y float64, down bool) {
	p.t.Helper()
	e := input.DispatchMouseEventParams{Type: typ, X: x, Y: y, Button: input.MouseButtonNone}
	if down {
		e.Buttons = 1
	}
	if down || typ != input.DispatchMouseEventTypeMouseMoved {
		e.Button, e.ClickCount = input.MouseButtonLeft, 1
	}
	call(p, input.DispatchMouseEvent, e)
}

// Drag drags with the mouse from one element to another.
func (p *Page) Drag(from, to Query) {
	p.t.Helper()
	a := p.aim(from)
	b := p.aim(to)
	p.tell("drag %s to %s", from, to)
	p.DragTo(a.X, a.Y, b.X, b.Y)
}

// DragTo drags from one point to another, in several steps.
func (p *Page) DragTo(x, y, toX, toY float64) {
	p.t.Helper()
	p.Mouse(input.DispatchMouseEventTypeMouseMoved, x, y, false)
	p.Mouse(input.DispatchMouseEventTypeMousePressed, x, y, true)
	const steps = 8
	for i := range steps {
		part := float64(i+1) / steps
		p.Mouse(input.DispatchMouseEventTypeMouseMoved, x+(toX-x)*part, y+(toY-y)*part, true)
	}
	p.Mouse(input.DispatchMouseEventTypeMouseReleased, toX, toY, false)
}

// Fill clicks a field, and types a text in place of what is in it.
func (p *Page) Fill(q Query, text string) {
	p.t.Helper()
	p.Click(q)
	p.Press("Control+a")
	p.Type(text)
}

// Choose selects an option of a field that has some, with the keyboard.
func (p *Page) Choose(q Query, option string) {
	p.t.Helper()
	p.Sees(q)
	p.Eval("("+q.script()+")[0].focus()", nil)
	p.Type(option)
	p.Until(fmt.Sprintf("%q is selected in %s", option, q), func() bool {
		return p.true(fmt.Sprintf("(([e]) => e.selectedOptions ? e.selectedOptions[0]?.text.startsWith(%[1]s) : e.value.startsWith(%[1]s))(%[2]s)", quote(option), q.script()))
	})
}

// maxTyped is the longest text that is typed key by key. Longer ones are pasted.
const maxTyped = 200

// Type types a text into what has the focus.
func (p *Page) Type(text string) {
	p.t.Helper()
	p.tell("type %q", text[:min(len(text), maxTyped)])
	if len(text) > maxTyped {
		call(p, input.InsertText, input.InsertTextParams{Text: text})
		return
	}
	for _, r := range text {
		if r == '\n' {
			r = '\r'
		}
		if _, known := kb.Keys[r]; !known {
			call(p, input.InsertText, input.InsertTextParams{Text: string(r)})
			continue
		}
		for _, e := range strokes(r) {
			call(p, input.DispatchKeyEvent, *e)
		}
	}
}

// strokes returns the events of a key: it goes down, with its text, and up. The text must not be an
// event of its own: it would reach what has the focus by then, even if the page has handled the key
// and moved the focus to a button.
func strokes(r rune) []*input.DispatchKeyEventParams {
	events := kb.Encode(r)
	if len(events) == 3 {
		down, char := events[0], events[1]
		down.Text, down.UnmodifiedText = char.Text, char.UnmodifiedText
		events = []*input.DispatchKeyEventParams{down, events[2]}
	}
	return events
}

var keys = map[string]rune{
	"Enter": '\r', "Tab": '\t', "Escape": '\u001b', "Backspace": '\b', "Delete": '\u007f', "Space": ' ', "F10": []rune(kb.F10)[0],
	"ArrowDown": []rune(kb.ArrowDown)[0], "ArrowUp": []rune(kb.ArrowUp)[0], "ArrowLeft": []rune(kb.ArrowLeft)[0],
	"ArrowRight": []rune(kb.ArrowRight)[0], "Home": []rune(kb.Home)[0], "End": []rune(kb.End)[0],
	"PageDown": []rune(kb.PageDown)[0], "PageUp": []rune(kb.PageUp)[0],
}

var modifiers = map[string]int64{"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}

// Press presses keys one after the other, each with its modifiers: "Enter", "Control+Shift+z".
func (p *Page) Press(combinations ...string) {
	p.t.Helper()
	for _, c := range combinations {
		parts := strings.Split(c, "+")
		name := parts[len(parts)-1]
		var held int64
		for _, m := range parts[:len(parts)-1] {
			held |= modifiers[m]
		}
		r, named := keys[name]
		if !named {
			r = []rune(name)[0]
		}
		p.tell("press %s", c)
		for _, e := range strokes(r) {
			e.Modifiers |= held
			if held&^modifiers["Shift"] != 0 {
				e.Text, e.UnmodifiedText = "", ""
				if r == 'a' {
					e.Commands = []string{"selectAll"}
				}
			}
			call(p, input.DispatchKeyEvent, *e)
		}
	}
}

// maxTabs bounds how far TabTo goes.
const maxTabs = 150

// TabTo presses Tab until something has the focus, as people do who use no mouse. Each stop on the
// way has to be visible.
func (p *Page) TabTo(q Query) {
	p.t.Helper()
	p.Sees(q)
	active := "((a) => { while (a && a.shadowRoot && a.shadowRoot.activeElement) a = a.shadowRoot.activeElement; return a; })(document.activeElement)"
	for range maxTabs {
		if p.true(q.script() + ".includes(" + active + ")") {
			p.tell("focus on %s", q)
			return
		}
		p.Press("Tab")
		var hidden string
		p.Eval("((a) => !a || a === document.body || a.getClientRects().length > 0 ? '' : a.outerHTML.slice(0, 200))("+active+")", &hidden)
		if hidden != "" {
			p.t.Fatalf("%s: the focus is on what cannot be seen: %s", p.Address(), hidden)
		}
	}
	p.t.Fatalf("%s: %d times Tab do not reach %s", p.Address(), maxTabs, q)
}

// Rests waits until the page has loaded what it shows and has not changed for a moment.
func (p *Page) Rests() {
	p.t.Helper()
	p.Holds("document.readyState === 'complete' && !document.querySelector('.skeleton')")
	p.Eval(`new Promise((done) => {
		let timer = setTimeout(done, 400);
		new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(done, 400); })
			.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
		setTimeout(done, 5000);
	})`, nil)
}
