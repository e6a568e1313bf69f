// Package conformance has the form in which a node's behaviour is written down, so that the same cases are run on its
// function with plain go test and on its module in a sandbox: a file of cases beside the node, in testdata/cases.json.
package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/flowtrux/edge/nodes/sdk"
)

// Case is one call of a node. Exactly one of Output and Error is given.
type Case struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config"`
	Output json.RawMessage `json:"output,omitempty"` // byte for byte
	Handle string          `json:"handle,omitempty"`
	Error  *Error          `json:"error,omitempty"`

	// HTTP is what the host answers to a request of the call: a response, or an error.
	HTTP      json.RawMessage `json:"http,omitempty"`
	HTTPError *Error          `json:"httpError,omitempty"`
	// Request is what the node is to send by HTTP, and Globals what it is to set.
	Request json.RawMessage            `json:"request,omitempty"`
	Globals map[string]json.RawMessage `json:"globals,omitempty"`
}

// Error is a failure of a node or of the host.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Fatal   bool   `json:"fatal,omitempty"`
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

// Load reads a file of cases.
func Load(t *testing.T, file string) []Case {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []Case
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(cases) == 0 {
		t.Fatalf("%s: no cases", file)
	}
	return cases
}

// Check compares an answer with the case.
func (c *Case) Check(t *testing.T, got Answer) {
	t.Helper()
	switch {
	case c.Error != nil && (got.Error == nil || *got.Error != *c.Error):
		t.Errorf("error\n got %v\nwant %v", got.Error, c.Error)
	case c.Error == nil && got.Error != nil:
		t.Errorf("failed: %v", got.Error)
	case string(got.Output) != string(c.Output):
		t.Errorf("output\n got %s\nwant %s", got.Output, c.Output)
	}
	if got.Handle != c.Handle {
		t.Errorf("handle %q, want %q", got.Handle, c.Handle)
	}
	if c.Request != nil && string(got.Request) != string(c.Request) {
		t.Errorf("request\n got %s\nwant %s", got.Request, c.Request)
	}
	if len(got.Globals) != len(c.Globals) {
		t.Errorf("%d globals were set, want %d", len(got.Globals), len(c.Globals))
	}
	for k, want := range c.Globals {
		if string(got.Globals[k]) != string(want) {
			t.Errorf("global %s = %s, want %s", k, got.Globals[k], want)
		}
	}
}

// Native runs the cases of testdata/cases.json on a node's function.
func Native(t *testing.T, run sdk.Func) {
	for _, c := range Load(t, "testdata/cases.json") {
		t.Run(c.Name, func(t *testing.T) {
			h := &host{c: &c, globals: make(map[string][]byte)}
			ctx := new(sdk.Context).WithHost(h)
			out, err := run(ctx, append([]byte(nil), c.Config...))
			got := Answer{Output: out, Error: failure(err), Request: h.request, Globals: h.globals}
			if err == nil {
				got.Handle, _ = ctx.Routed()
			}
			c.Check(t, got)
		})
	}
}

func failure(err error) *Error {
	if err == nil {
		return nil
	}
	if e := (*sdk.Error)(nil); errors.As(err, &e) {
		return &Error{e.Code, e.Message, e.Fatal}
	}
	return &Error{Message: err.Error()}
}

// host answers as the case says and keeps what it is asked.
type host struct {
	c       *Case
	request []byte
	globals map[string][]byte
}

func (h *host) HTTP(request []byte) ([]byte, error) {
	h.request = append([]byte(nil), request...)
	if e := h.c.HTTPError; e != nil {
		return nil, &sdk.Error{Code: e.Code, Message: e.Message, Fatal: e.Fatal}
	}
	return h.c.HTTP, nil
}

func (h *host) Log(int, string) {}

func (h *host) SetGlobal(key string, value []byte) error {
	h.globals[key] = append([]byte(nil), value...)
	return nil
}
