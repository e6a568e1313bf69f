package sdk

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/flowtrux/edge/nodes/abi"
)

func TestRegister(t *testing.T) {
	run := func(*Context, []byte) ([]byte, error) { return nil, nil }
	panics := func(n Node) (text string) {
		defer func() {
			if r := recover(); r != nil {
				text = r.(string)
			}
		}()
		Register(n)
		return ""
	}
	t.Cleanup(func() { registered = nil })
	whole := Node{Type: "a", Version: "1.0.0", Run: run}
	for name, n := range map[string]Node{
		"no type": {Version: "1.0.0", Run: run}, "no version": {Type: "a", Run: run}, "no run": {Type: "a", Version: "1.0.0"},
	} {
		if got := panics(n); got != "sdk: a node needs Type, Version and Run" || registered != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := panics(whole); got != "" || len(registered) != 1 || registered[0].Type != "a" {
		t.Fatalf("%q", got)
	}
	if got := string(describe(registered)); got != `{"abi":1,"type":"a","version":"1.0.0"}` {
		t.Errorf("one describes itself as %s", got)
	}
	if got := panics(whole); got != "sdk: two nodes have the type a" {
		t.Errorf("twice: %q", got)
	}
	if got := panics(Node{Type: "b", Version: "2.0.0", Run: run}); got != "" {
		t.Fatalf("%q", got)
	}
	if got := string(describe(registered)); got != `[{"abi":1,"type":"a","version":"1.0.0"},{"abi":1,"type":"b","version":"2.0.0"}]` {
		t.Errorf("two describe themselves as %s", got)
	}
	for i := range abi.MaxTypes - 2 {
		if got := panics(Node{Type: fmt.Sprint("n", i), Version: "1.0.0", Run: run}); got != "" {
			t.Fatalf("%q", got)
		}
	}
	if got := panics(Node{Type: "c", Version: "1.0.0", Run: run}); got != "sdk: a module has too many nodes: c" {
		t.Errorf("the 33rd: %q", got)
	}
}

func TestPanicsBecomeErrors(t *testing.T) {
	var nothing []int
	for want, panics := range map[string]func(){
		"the node panicked: boom":                                                func() { panic("boom") },
		"the node panicked: no luck":                                             func() { panic(errors.New("no luck")) },
		"the node panicked: a value that is not text":                            func() { panic(42) },
		"the node panicked: runtime error: index out of range [1] with length 0": func() { _ = nothing[len(nothing)+1] },
	} {
		n := &Node{Run: func(*Context, []byte) ([]byte, error) { panics(); return []byte("1"), nil }}
		out, err := call(n, new(Context), nil)
		e, ok := errors.AsType[*Error](err)
		if out != nil || !ok || e.Code != "panic" || !e.Fatal || e.Message != want {
			t.Errorf("got %q, %#v, want %s", out, err, want)
		}
	}
}

func TestPack(t *testing.T) {
	for name, c := range map[string]struct {
		route  string
		output string
		err    error
		kind   abi.Kind
		want   string
	}{
		"output":        {"", "1", nil, abi.Output, "1"},
		"routed":        {"high", "{}", nil, abi.Routed, "\x04high{}"},
		"failure":       {"", "", Fail("busy", "later"), abi.Error, "\x04busylater"},
		"fatal":         {"high", "1", Fatal("bad", "never"), abi.Fatal, "\x03badnever"},
		"wrapped":       {"", "", fmt.Errorf("asking: %w", Fatal("bad", "never")), abi.Fatal, "\x03badasking: never"},
		"another error": {"", "", errors.New("eh"), abi.Error, "\x00eh"},
	} {
		ctx := new(Context)
		if c.route != "" {
			ctx.Route(c.route)
		}
		kind, payload := pack(make([]byte, 0, 64), ctx, []byte(c.output), c.err)
		if kind != c.kind || string(payload) != c.want {
			t.Errorf("%s: %d %q, want %d %q", name, kind, payload, c.kind, c.want)
		}
	}
}

func TestUnpackReply(t *testing.T) {
	if b, err := unpackReply([]byte("\x00answer")); string(b) != "answer" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	for held, want := range map[string]Error{
		"\x02\x04busylater": {"busy", "later", false},
		"\x03\x03badnever":  {"bad", "never", true},
		"\x03\x09cut":       {"host_error", "the host's reply is truncated", true},
	} {
		_, err := unpackReply([]byte(held))
		if e, ok := errors.AsType[*Error](err); !ok || *e != want {
			t.Errorf("%q: %#v", held, err)
		}
	}
}

type host struct{ effects []string }

func (h *host) HTTP(request []byte) ([]byte, error) {
	h.effects = append(h.effects, "http "+string(request))
	return []byte(`{"status":204}`), nil
}

func (h *host) Log(level int, message string) {
	h.effects = append(h.effects, fmt.Sprint(level, " ", message))
}

func (h *host) SetGlobal(key string, value []byte) error {
	h.effects = append(h.effects, key+"="+string(value))
	return nil
}

func effects(ctx *Context) (response []byte, httpErr, globalErr error) {
	Log(ctx, Warn, "hot")
	response, httpErr = HTTP(ctx, []byte(`{"url":"x"}`))
	return response, httpErr, SetGlobal(ctx, "k", []byte("1"))
}

func TestEffectsReachTheHost(t *testing.T) {
	h := new(host)
	response, err, err2 := effects(new(Context).WithHost(h))
	if string(response) != `{"status":204}` || err != nil || err2 != nil {
		t.Errorf("%s, %v, %v", response, err, err2)
	}
	if got := strings.Join(h.effects, "; "); got != `2 hot; http {"url":"x"}; k=1` {
		t.Error(got)
	}
}

func TestEffectsNeedAHost(t *testing.T) {
	if _, err, err2 := effects(new(Context)); err == nil || err2 == nil {
		t.Errorf("%v, %v", err, err2)
	}
}

func TestWarmUpHasNoEffects(t *testing.T) {
	h := new(host)
	response, err, err2 := effects(&Context{idle: true, host: h})
	e, ok := errors.AsType[*Error](err)
	if response != nil || !ok || e.Code != "http_not_available" || !e.Fatal || err2 != nil {
		t.Errorf("%s, %v, %v", response, err, err2)
	}
	if h.effects != nil {
		t.Error(h.effects)
	}
}

// counter is a host with globals.
type counter struct {
	host
	n int64
}

func (c *counter) Global(key string) ([]byte, error) {
	if key == "none" {
		return nil, nil
	}
	return []byte(`"of ` + key + `"`), nil
}

func (c *counter) AddGlobal(_ string, by int64) (int64, error) {
	c.n += by
	return c.n, nil
}

func TestGlobals(t *testing.T) {
	c := &counter{n: 40}
	for _, want := range []struct {
		name  string
		ctx   *Context
		value string
		sum   int64
		fails bool
	}{
		{"of a host", new(Context).WithHost(c), `"of k"`, 42, false},
		{"of a host without globals", new(Context).WithHost(new(host)), "", 0, true},
		{"without a host", new(Context), "", 0, true},
		{"warming up", &Context{idle: true, host: c}, "", 2, false},
	} {
		value, err := Global(want.ctx, "k")
		sum, err2 := AddGlobal(want.ctx, "n", 2)
		if string(value) != want.value || sum != want.sum || (err != nil) != want.fails || (err2 != nil) != want.fails {
			t.Errorf("%s: %s, %d, %v, %v", want.name, value, sum, err, err2)
		}
	}
	if value, err := Global(new(Context).WithHost(c), "none"); value != nil || err != nil {
		t.Errorf("of a global that is not there: %q, %v", value, err)
	}
	if c.n != 42 {
		t.Error("warming up has added")
	}
}

func TestRoute(t *testing.T) {
	ctx := new(Context)
	if handle, ok := ctx.Routed(); handle != "" || ok {
		t.Error("routed without Route")
	}
	ctx.Route("a")
	ctx.Route("b")
	if handle, ok := ctx.Routed(); handle != "b" || !ok {
		t.Errorf("%q, %v; the last choice counts", handle, ok)
	}
}
