package consoletest

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed find.js
var findScript string

// Query says what a person looks for. Only visible elements are found; while a modal dialog is
// open, only those in it.
type Query struct {
	// Role is the ARIA role. "field" stands for all roles of form fields.
	Role string `json:"role,omitempty"`
	// Name is the accessible name: all of it or, if no element has exactly this name, a part.
	Name string `json:"name,omitempty"`
	// CSS is a selector.
	CSS string `json:"css,omitempty"`
	// Text is a part of the text inside, or of a field's value. Without Role and CSS the innermost
	// element with this text is found.
	Text string `json:"text,omitempty"`
	// In is where to look; nil = everywhere.
	In *Query `json:"in,omitempty"`
	// Nth selects one of several, from 0, or from -1 at the end; nil = all.
	Nth *int `json:"nth,omitempty"`
}

// Button finds a button.
func Button(name string) Query { return Query{Role: "button", Name: name} }

// Link finds a link.
func Link(name string) Query { return Query{Role: "link", Name: name} }

// Field finds a field of a form.
func Field(name string) Query { return Query{Role: "field", Name: name} }

// Heading finds a heading.
func Heading(name string) Query { return Query{Role: "heading", Name: name} }

// Dialog finds an open dialog.
func Dialog(name string) Query { return Query{Role: "dialog", Name: name} }

// Row finds a row of a table by a text in it.
func Row(text string) Query { return Query{Role: "row", Text: text} }

// Text finds the innermost element with a text.
func Text(text string) Query { return Query{Text: text} }

// CSS finds by a selector, for what has neither role nor name.
func CSS(selector string) Query { return Query{CSS: selector} }

// Within looks inside another element.
func (q Query) Within(outer Query) Query {
	q.In = &outer
	return q
}

// At selects one of several.
func (q Query) At(n int) Query {
	q.Nth = &n
	return q
}

// With adds a text that must be inside.
func (q Query) With(text string) Query {
	q.Text = text
	return q
}

// String returns the query as messages show it.
func (q Query) String() string {
	text := q.Role + q.CSS
	if q.Name != "" {
		text += fmt.Sprintf(" %q", q.Name)
	}
	if q.Text != "" {
		text += fmt.Sprintf(" with the text %q", q.Text)
	}
	if q.Nth != nil {
		text += fmt.Sprintf(" number %d", *q.Nth)
	}
	if q.In != nil {
		text += " in " + q.In.String()
	}
	return text
}

// script returns the expression of the list of elements that are found.
func (q Query) script() string {
	b, _ := json.Marshal(q) // it has only texts and numbers
	return "(" + findScript + ")(" + string(b) + ")"
}

// quote returns a text as a JavaScript string.
func quote(s string) string {
	b, _ := json.Marshal(s) // a text can always be marshaled
	return string(b)
}
