// Package nodetest tests node modules: it runs the cases of their authors and checks the rules that
// every node must follow. `caddy flowtrux node test` shows the results. It needs no server and no
// network: the cases have the responses of the outside.
package nodetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/cases"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// Outcome is the result and the cost of a call.
type Outcome struct {
	Answer cases.Result
	// Failure is the reason why the node itself gave no result, or nil. Answer.Error then has its
	// code and message.
	Failure *sandbox.Error
	Logged  []string
	Fuel    uint64
	Memory  uint64 // bytes of linear memory at the end
	Took    time.Duration
}

// maxLogged is the maximum number of log lines of a call.
const maxLogged = 100

// Call calls a module with the config of a case. HTTP responses and globals are those of the case.
// Without Grants.Clock and Grants.Random the time is [hostapi.Epoch] and random numbers come from a
// seed of zeros, so that a call always gives the same result.
func Call(ctx context.Context, m *sandbox.Module, c *cases.Case) (o Outcome) {
	h := &fakeHost{c: c, answer: &o.Answer, globals: c.Workspace()}
	o.Answer.Globals = h.globals.Set
	s := &hostapi.Session{Grants: m.Grants(), HTTP: h, Globals: h, Log: func(_ int, line string) {
		if len(o.Logged) < maxLogged {
			o.Logged = append(o.Logged, line)
		}
	}}
	begun := time.Now()
	r, err := callWhole(ctx, m, s, c.Config)
	o.Took, o.Fuel, o.Memory = time.Since(begun), s.Fuel, s.MemorySize
	switch {
	case errors.As(err, &o.Failure):
		o.Answer.Error = &cases.Error{Code: o.Failure.Code, Message: o.Failure.Message}
	case r.Kind == abi.Error || r.Kind == abi.Fatal:
		o.Answer.Error = &cases.Error{Code: r.Label, Message: string(r.Output), Fatal: r.Kind == abi.Fatal}
	default:
		o.Answer.Output, o.Answer.Handle = r.Output, r.Label
	}
	return o
}

// fakeHost answers HTTP requests and the functions of globals as a case says.
type fakeHost struct {
	c       *cases.Case
	answer  *cases.Result
	globals *cases.Globals
}

func (h *fakeHost) Do(_ context.Context, req []byte, _ hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	h.answer.Request = slices.Clone(req)
	switch e := h.c.HTTPError; {
	case e != nil:
		return dst, failure(e)
	case h.c.HTTP == nil:
		return dst, &hostapi.Failure{Code: "http_not_expected", Message: "the case says nothing of http", Fatal: true}
	}
	return append(dst, h.c.HTTP...), nil
}

func (h *fakeHost) SetGlobal(_ context.Context, key string, value []byte) error {
	h.globals.Put(key, value)
	return nil
}

func (h *fakeHost) GetGlobal(key string) ([]byte, error) {
	value, refused := h.globals.Get(key)
	return value, failure(refused)
}

func (h *fakeHost) AddGlobal(_ context.Context, key string, by int64) ([]byte, error) {
	sum, refused := h.globals.Add(key, by)
	return sum, failure(refused)
}

// failure returns an error of a case as the host reports it to a module.
func failure(e *cases.Error) error {
	if e == nil {
		return nil
	}
	return &hostapi.Failure{Code: e.Code, Message: e.Message, Fatal: e.Fatal}
}
