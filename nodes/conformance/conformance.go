// Package conformance runs the cases of a node (package cases) with go test, on its function and
// without a sandbox. `caddy flowtrux node test` runs the same file, testdata/cases.json beside the
// node, on its module.
//
// It is a stable API for node authors.
package conformance

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/flowtrux/edge/nodes/cases"
	"github.com/flowtrux/edge/nodes/sdk"
)

// Case is one call of a node and its expected result.
type Case struct{ cases.Case }

// Error is a failure of a node or of the host.
type Error = cases.Error

// Result is the result of a call.
type Result = cases.Result

// Load parses a file of cases.
func Load(t *testing.T, file string) []Case {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	list, err := cases.Parse(b)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	out := make([]Case, len(list))
	for i, c := range list {
		out[i] = Case{c}
	}
	return out
}

// Check compares a result with the case.
func (c *Case) Check(t *testing.T, got Result) {
	t.Helper()
	for _, d := range c.Compare(got) {
		t.Error(d)
	}
}

// Native runs the cases of testdata/cases.json on a node's function.
func Native(t *testing.T, run sdk.Func) {
	native(t, run, Load(t, "testdata/cases.json"))
}

// NativeType runs the cases of testdata/cases.json that are for one of a module's node types on its
// function. It fails if there are none.
func NativeType(t *testing.T, typ string, run sdk.Func) {
	t.Helper()
	list := slices.DeleteFunc(Load(t, "testdata/cases.json"), func(c Case) bool { return c.Type != typ })
	if len(list) == 0 {
		t.Errorf("there are no cases for the type %q", typ)
	}
	native(t, run, list)
}

func native(t *testing.T, run sdk.Func, list []Case) {
	for _, c := range list {
		t.Run(c.Name, func(t *testing.T) {
			h := &host{c: &c, globals: c.Workspace()}
			ctx := new(sdk.Context).WithHost(h)
			out, err := run(ctx, append([]byte(nil), c.Config...))
			got := Result{Output: out, Error: failure(err), Request: h.request, Globals: h.globals.Set}
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
		// Text wrapped around the error is a part of the message, as in the result of the module.
		return &Error{Code: e.Code, Message: err.Error(), Fatal: e.Fatal}
	}
	return &Error{Message: err.Error()}
}

// host replies as the case says, and records the requests.
type host struct {
	c       *Case
	request []byte
	globals *cases.Globals
}

func (h *host) HTTP(request []byte) ([]byte, error) {
	h.request = append([]byte(nil), request...)
	if e := h.c.HTTPError; e != nil {
		return nil, hostError(e)
	}
	return h.c.HTTP, nil
}

func (h *host) Log(int, string) {}

func (h *host) SetGlobal(key string, value []byte) error {
	h.globals.Put(key, value)
	return nil
}

func (h *host) Global(key string) ([]byte, error) {
	value, refused := h.globals.Get(key)
	return value, hostError(refused)
}

func (h *host) AddGlobal(key string, by int64) (int64, error) {
	sum, refused := h.globals.Add(key, by)
	if refused != nil {
		return 0, hostError(refused)
	}
	return strconv.ParseInt(string(sum), 10, 64)
}

// hostError converts an error of the host to the error that a node sees.
func hostError(e *Error) error {
	if e == nil {
		return nil
	}
	return &sdk.Error{Code: e.Code, Message: e.Message, Fatal: e.Fatal}
}

var _ sdk.GlobalHost = (*host)(nil)
