// Package cases defines the file format for the expected behavior of a node: a JSON file with a
// list of calls and their results. The same file runs on a node's function with plain go test
// (package conformance) and on its module, in any language, with `caddy flowtrux node test`.
//
// It is a stable API for node authors.
package cases

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Case is one call of a node. Exactly one of Output and Error is given.
type Case struct {
	// Type is the node type that is called, if the module has several; "" = its only one.
	Type   string          `json:"type,omitempty"`
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config"` // templates resolved, compact
	// byte for byte, but for white space between values
	Output json.RawMessage `json:"output,omitempty"`
	Handle string          `json:"handle,omitempty"`
	Error  *Error          `json:"error,omitempty"`

	// HTTP is the reply of the host to each request of the call: a response, or an error.
	HTTP      json.RawMessage `json:"http,omitempty"`
	HTTPError *Error          `json:"httpError,omitempty"`
	// Given are the globals before the call.
	Given map[string]json.RawMessage `json:"given,omitempty"`
	// Request is the last request that the node must send by HTTP. Globals are those that it must
	// set; for those that it adds to, the sums.
	Request json.RawMessage            `json:"request,omitempty"`
	Globals map[string]json.RawMessage `json:"globals,omitempty"`
}

// Error is a failure of a node or of the host.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"` // "" in a case = any
	Fatal   bool   `json:"fatal,omitempty"`   // a retry cannot fix it
}

// Error returns all that is compared.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s (fatal: %v)", e.Code, e.Message, e.Fatal) }

// Result is the result of a call.
type Result struct {
	Output []byte
	Handle string
	Error  *Error

	Request []byte            // the last one
	Globals map[string][]byte // what was set
}

// Parse parses a file of cases: a list of at least one. Cases of a node type have distinct names.
// The error says which case is wrong and why.
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
	type id struct{ typ, name string }
	names := make(map[id]bool)
	for i := range list {
		c := &list[i]
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("case %d (%q): %w", i+1, c.Name, err)
		}
		if names[id{c.Type, c.Name}] {
			return nil, fmt.Errorf("case %d (%q): another one has this name", i+1, c.Name)
		}
		names[id{c.Type, c.Name}] = true
	}
	return list, nil
}

// ByType divides cases among the node types of a module. Each case must name one of them; if the
// module has only one, cases need not name it.
func ByType(list []Case, types ...string) (map[string][]Case, error) {
	of := make(map[string][]Case, len(types))
	for i := range list {
		c := list[i]
		switch {
		case c.Type == "" && len(types) == 1:
			c.Type = types[0]
		case c.Type == "":
			return nil, fmt.Errorf("case %d (%q) names no type; the module has %s", i+1, c.Name, strings.Join(types, ", "))
		case !slices.Contains(types, c.Type):
			return nil, fmt.Errorf("case %d (%q) is for the type %q; the module has %s", i+1, c.Name, c.Type, strings.Join(types, ", "))
		}
		of[c.Type] = append(of[c.Type], c)
	}
	return of, nil
}

// check rejects an invalid case, and removes the white space from the values that are compared.
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

// Difference is one difference between a result and its case. Want and Got are JSON or text; "" =
// nothing.
type Difference struct {
	What string `json:"what"` // output, handle, error, request, or a global
	Want string `json:"want"`
	Got  string `json:"got"`
}

// String returns the difference on three lines.
func (d Difference) String() string {
	return fmt.Sprintf("%s\n got %s\nwant %s", d.What, d.Got, d.Want)
}

// Compare returns the differences between a result and the case.
func (c *Case) Compare(got Result) (out []Difference) {
	differ := func(what, want, got string) {
		if want != got {
			out = append(out, Difference{what, want, got})
		}
	}
	if want, failed := c.wanted(got.Error), got.Error; want != nil || failed != nil {
		differ("error", errorText(want), errorText(failed))
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

// wanted returns the error of the case, with the message of the failure if the case allows any
// message.
func (c *Case) wanted(failed *Error) *Error {
	if c.Error == nil || failed == nil || c.Error.Message != "" {
		return c.Error
	}
	return &Error{c.Error.Code, failed.Message, c.Error.Fatal}
}

func errorText(e *Error) string {
	if e == nil {
		return ""
	}
	return e.Error()
}
