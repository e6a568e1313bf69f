// Package cases has the form in which a node's behaviour is written down: a JSON file with a list of calls and what each has to
// give. The same file is run on a node's function by plain go test (package conformance) and on its module, in whatever
// language it was written, by `caddy flowtrux node test` (package nodetest).
package cases

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Case is one call of a node. Exactly one of Output and Error is given.
type Case struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config"`           // templates resolved, compact
	Output json.RawMessage `json:"output,omitempty"` // byte for byte, but for white space between values
	Handle string          `json:"handle,omitempty"`
	Error  *Error          `json:"error,omitempty"`

	// HTTP is what the host answers to each request of the call: a response, or an error.
	HTTP      json.RawMessage `json:"http,omitempty"`
	HTTPError *Error          `json:"httpError,omitempty"`
	// Given are the globals that the call finds.
	Given map[string]json.RawMessage `json:"given,omitempty"`
	// Request is what the node is to send last by HTTP, and Globals what it is to set; of those that it adds to the sums.
	Request json.RawMessage            `json:"request,omitempty"`
	Globals map[string]json.RawMessage `json:"globals,omitempty"`
}

// Error is a failure of a node or of the host.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"` // "" in a case = any
	Fatal   bool   `json:"fatal,omitempty"`   // another attempt cannot mend it
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s (fatal: %v)", e.Code, e.Message, e.Fatal) }

// Answer is what a call gave.
type Answer struct {
	Output []byte
	Handle string
	Error  *Error

	Request []byte            // the last one
	Globals map[string][]byte // what was set
}

// Parse reads a file of cases: a list, at least one, each with a name of its own. The error says which case is wrong and why.
func Parse(file []byte) ([]Case, error) {
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	var list []Case
	if err := d.Decode(&list); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind the list of cases")
	}
	if len(list) == 0 {
		return nil, errors.New("there are no cases")
	}
	names := make(map[string]bool)
	for i := range list {
		c := &list[i]
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("case %d (%q): %w", i+1, c.Name, err)
		}
		if names[c.Name] {
			return nil, fmt.Errorf("case %d (%q): another one has this name", i+1, c.Name)
		}
		names[c.Name] = true
	}
	return list, nil
}

// check refuses what cannot be a case, and takes the white space out of the values that are compared.
func (c *Case) check() error {
	switch {
	case c.Name == "":
		return errors.New("it has no name")
	case c.Config == nil:
		return errors.New("it has no config")
	case (c.Output == nil) == (c.Error == nil):
		return errors.New("it needs one of output and error")
	case c.HTTP != nil && c.HTTPError != nil:
		return errors.New("it can have one of http and httpError")
	}
	for _, v := range []*json.RawMessage{&c.Config, &c.Output, &c.HTTP, &c.Request} {
		*v = compact(*v)
	}
	for _, values := range []map[string]json.RawMessage{c.Given, c.Globals} {
		for k, v := range values {
			values[k] = compact(v)
		}
	}
	return nil
}

func compact(v json.RawMessage) json.RawMessage {
	if v == nil {
		return nil
	}
	var b bytes.Buffer
	_ = json.Compact(&b, v) // it was decoded as a part of JSON
	return b.Bytes()
}

// Difference is one thing that is not as the case says. Want and Got are JSON or text; "" = nothing.
type Difference struct {
	What string `json:"what"` // output, handle, error, request, or a global
	Want string `json:"want"`
	Got  string `json:"got"`
}

func (d Difference) String() string {
	return fmt.Sprintf("%s\n got %s\nwant %s", d.What, d.Got, d.Want)
}

// Compare lists what of an answer is not as the case says, none when all is.
func (c *Case) Compare(got Answer) (out []Difference) {
	differ := func(what, want, got string) {
		if want != got {
			out = append(out, Difference{what, want, got})
		}
	}
	if want, failed := c.wanted(got.Error), got.Error; want != nil || failed != nil {
		differ("error", said(want), said(failed))
	}
	if c.Error == nil && got.Error == nil {
		differ("output", string(c.Output), string(got.Output))
	}
	differ("handle", c.Handle, got.Handle)
	if c.Request != nil {
		differ("request", string(c.Request), string(got.Request))
	}
	keys := slices.AppendSeq(slices.Collect(maps.Keys(c.Globals)), maps.Keys(got.Globals))
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		differ("global "+k, string(c.Globals[k]), string(got.Globals[k]))
	}
	return out
}

// wanted is the error of the case, with the message of the failure where any will do.
func (c *Case) wanted(failed *Error) *Error {
	if c.Error == nil || failed == nil || c.Error.Message != "" {
		return c.Error
	}
	return &Error{c.Error.Code, failed.Message, c.Error.Fatal}
}

func said(e *Error) string {
	if e == nil {
		return ""
	}
	return e.Error()
}
