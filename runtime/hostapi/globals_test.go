package hostapi

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
)

func (o *outside) SetGlobal(_ context.Context, key string, value []byte) error {
	if o.err != nil {
		return o.err
	}
	if o.globals == nil {
		o.globals = make(map[string]string)
	}
	o.globals[key] = string(value)
	return nil
}

func (o *outside) GetGlobal(key string) ([]byte, error) {
	if v, ok := o.globals[key]; ok && o.err == nil {
		return []byte(v), nil
	}
	return nil, o.err
}

func (o *outside) AddGlobal(ctx context.Context, key string, by int64) ([]byte, error) {
	o.deadline, _ = ctx.Deadline()
	o.requests = append(o.requests, fmt.Sprint(key, " ", by))
	return []byte("42"), o.err
}

func TestGlobalSet(t *testing.T) {
	host := new(outside)
	g := newGuest(t, &Session{Grants: Grants{Globals: true}, Globals: host})
	g.put(0, []byte(`rates.eur{"x":1}`))
	kind, _, payload := g.taken(g.call(abi.ImportGlobalSet, 0, 9, 9, 7))
	g.put(0, make([]byte, 16)) // the host has its own copy
	if kind != abi.Output || payload != "" || host.globals["rates.eur"] != `{"x":1}` {
		t.Errorf("got %d %q, stored %q", kind, payload, host.globals)
	}
	host.err = &Failure{Code: "global_denied", Message: "no", Fatal: true}
	if kind, code, payload := g.taken(g.call(abi.ImportGlobalSet, 0, 1, 1, 1)); kind != abi.Fatal || code != "global_denied" || payload != "no" {
		t.Errorf("got %d %s %s", kind, code, payload)
	}
	for range MaxGlobalCalls - 2 {
		g.call(abi.ImportGlobalSet, 0, 1, 1, 1)
	}
	if _, code, _ := g.taken(g.call(abi.ImportGlobalSet, 0, 1, 1, 1)); code != "global_too_many" {
		t.Error("got", code)
	}
	g.session.Reset()
	if kind, code, _ := g.taken(g.call(abi.ImportGlobalSet, 0, 1, 1, 1)); kind != abi.Fatal || code != "global_not_allowed" {
		t.Errorf("got %d %s", kind, code)
	}
	g.session.Grants.Globals = true
	if kind, code, _ := g.taken(g.call(abi.ImportGlobalSet, 0, 1, 1, 1)); kind != abi.Fatal || code != "global_not_available" {
		t.Errorf("got %d %s", kind, code)
	}
}

func TestGlobalGet(t *testing.T) {
	host := &outside{globals: map[string]string{"rates": `{"eur":1}`, "empty": ""}}
	g := newGuest(t, &Session{Grants: Grants{Globals: true}, Globals: host})
	g.put(0, []byte("ratesempty"))
	for _, c := range []struct {
		at, n uint64
		want  string
	}{{0, 5, `{"eur":1}`}, {0, 4, ""}, {5, 5, ""}} {
		if kind, _, payload := g.taken(g.call(abi.ImportGlobalGet, c.at, c.n)); kind != abi.Output || payload != c.want {
			t.Errorf("got %d %q, want %q", kind, payload, c.want)
		}
	}
	host.err = ErrGlobalSecret
	if kind, code, payload := g.taken(g.call(abi.ImportGlobalGet, 0, 1)); kind != abi.Fatal || code != "global_not_allowed" || payload != "secret globals cannot be read" {
		t.Errorf("got %d %s %s", kind, code, payload)
	}
}

func TestGlobalAdd(t *testing.T) {
	host := new(outside)
	s := &Session{Grants: Grants{Globals: true}, Globals: host, Deadline: time.Now().Add(time.Hour)}
	g := newGuest(t, s)
	g.put(0, []byte("orders"))
	const minus = 1<<64 - 3
	if kind, _, payload := g.taken(g.call(abi.ImportGlobalAdd, 0, 6, minus)); kind != abi.Output || payload != "42" || host.requests[0] != "orders -3" {
		t.Errorf("got %d %q, asked for %q", kind, payload, host.requests)
	}
	if !host.deadline.Equal(s.Deadline) {
		t.Error("an addition does not end with the call")
	}
	host.err = ErrGlobalNotInteger
	if kind, code, _ := g.taken(g.call(abi.ImportGlobalAdd, 0, 6, 1)); kind != abi.Fatal || code != "global_not_integer" {
		t.Errorf("got %d %s", kind, code)
	}
}

// TestGlobalsAreBounded: additions count as writes, and reads count separately. All need the grant
// and a key within the limit.
func TestGlobalsAreLimited(t *testing.T) {
	host := new(outside)
	g := newGuest(t, &Session{Grants: Grants{Globals: true}, Globals: host})
	code := func(name string, params ...uint64) string {
		_, code, _ := g.taken(g.call(name, params...))
		return code
	}
	for _, c := range []struct {
		name string
		more []uint64
	}{{abi.ImportGlobalAdd, []uint64{1}}, {abi.ImportGlobalGet, nil}} {
		if got := code(c.name, append([]uint64{0, maxGlobalKey + 1}, c.more...)...); got != "global_not_allowed" {
			t.Errorf("%s of a long key: %s", c.name, got)
		}
		for range MaxGlobalCalls {
			if got := code(c.name, append([]uint64{0, 1}, c.more...)...); got != "" {
				t.Fatalf("%s: %s", c.name, got)
			}
		}
		if got := code(c.name, append([]uint64{0, 1}, c.more...)...); got != "global_too_many" {
			t.Errorf("%s without end: %s", c.name, got)
		}
	}
	if got := code(abi.ImportGlobalSet, 0, 1, 0, 1); got != "global_too_many" {
		t.Error("additions are not counted as writes:", got)
	}
	g.session.Reset()
	for _, want := range []string{"global_not_allowed", "global_not_available"} {
		for name, got := range map[string]string{"get": code(abi.ImportGlobalGet, 0, 1), "add": code(abi.ImportGlobalAdd, 0, 1, 1)} {
			if got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
		g.session.Grants.Globals = true
	}
}
