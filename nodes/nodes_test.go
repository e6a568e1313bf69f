package nodes_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/conformance"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// everything is what built-in nodes are granted.
var everything = hostapi.Grants{HTTP: true, Log: true, Clock: true, Random: true, Globals: true}

// TestBuiltinInTheSandbox runs each node's cases on the module that is shipped, and compares it with its sources by them.
func TestBuiltinInTheSandbox(t *testing.T) {
	host, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for _, n := range nodes.Builtin() {
		t.Run(n.Type, func(t *testing.T) {
			m, err := host.Load(t.Context(), sandbox.ModuleConfig{Type: n.Type, Source: "built in", Wasm: n.Wasm, Grants: everything})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := m.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}()
			typ, err := flow.ParseType(m.Manifest())
			if err != nil || typ.Name != n.Type {
				t.Fatalf("manifest of %v: %v", typ, err)
			}
			for _, c := range conformance.Load(t, strings.ReplaceAll(n.Type, "-", "")+"/testdata/cases.json") {
				t.Run(c.Name, func(t *testing.T) { c.Check(t, call(t, m, &c)) })
			}
		})
	}
}

func call(t *testing.T, m *sandbox.Module, c *conformance.Case) (got conformance.Answer) {
	h := &host{c: c, answer: &got}
	got.Globals = make(map[string][]byte)
	s := &hostapi.Session{Grants: m.Grants(), HTTP: h, Globals: h}
	r, err := m.Call(t.Context(), s, c.Config, nil)
	if err != nil {
		t.Fatalf("no answer: %v: %v", err, errors.Unwrap(err))
	}
	switch r.Kind {
	case abi.Error, abi.Fatal:
		got.Error = &conformance.Error{Code: r.Label, Message: string(r.Output), Fatal: r.Kind == abi.Fatal}
	default:
		got.Output, got.Handle = r.Output, r.Label
	}
	return got
}

// host is the other side of http and global_set.
type host struct {
	c      *conformance.Case
	answer *conformance.Answer
}

func (h *host) Do(_ context.Context, req []byte, _ hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	h.answer.Request = append([]byte(nil), req...)
	if e := h.c.HTTPError; e != nil {
		return dst, &hostapi.Failure{Code: e.Code, Message: e.Message, Fatal: e.Fatal}
	}
	return append(dst, h.c.HTTP...), nil
}

func (h *host) SetGlobal(_ context.Context, key string, value []byte) error {
	h.answer.Globals[key] = append([]byte(nil), value...)
	return nil
}
