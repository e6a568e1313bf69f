package sandbox

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

func TestCallReturnsAResult(t *testing.T) { everyReset(t, callReturnsAResult) }

func callReturnsAResult(t *testing.T, h *Host) {
	for name, c := range map[string]struct {
		guest guest
		want  Result
	}{
		"output":         {says(abi.Output, ` { "a" : 1, "a": 2 } `), Result{abi.Output, "", []byte(`{"a":2}`)}},
		"routed":         {says(abi.Routed, "\x04high[1]"), Result{abi.Routed, "high", []byte(`[1]`)}},
		"routed oddly":   {says(abi.Routed, "\x04 a\n [1]"), Result{abi.Routed, " a\n ", []byte(`[1]`)}},
		"error":          {says(abi.Error, "\x04busyplease\twait\nsecret"), Result{abi.Error, "busy", []byte("please wait")}},
		"fatal no code":  {says(abi.Fatal, "\x00no"), Result{abi.Fatal, "", []byte("no")}},
		"fatal nothing":  {says(abi.Fatal, "\x00"), Result{abi.Fatal, "", []byte("")}},
		"fatal no UTF-8": {says(abi.Fatal, "\x01\xffa\xffb"), Result{abi.Fatal, "\ufffd", []byte("a\ufffdb")}},
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, h, c.guest.bytes(), small, hostapi.Grants{})
			dst := append(make([]byte, 0, 100), "kept"...)
			got, err := m.Call(t.Context(), new(hostapi.Session), []byte(`{}`), dst)
			if err != nil {
				t.Fatal(err)
			}
			if got.Kind != c.want.Kind || got.Label != c.want.Label || string(got.Output) != string(c.want.Output) {
				t.Errorf("got %v %q %q, want %v", got.Kind, got.Label, got.Output, c.want)
			}
			if string(dst[:cap(dst)][:4]) != "kept" || len(got.Output) > 0 && &got.Output[0] != &dst[:5][4] {
				t.Error("the output was not appended to dst")
			}
		})
	}
}

func TestCallFails(t *testing.T) { everyReset(t, callFails) }

func callFails(t *testing.T, h *Host) {
	// f(n) = f(n+1) + 1
	deep := node(local(0), call(2), unreachable).with(function{"", types(tI32), types(tI32), nil, code(local(0), i32c(1), add, call(2), i32c(1), add)})
	withAlloc := func(body ...[]byte) guest {
		g := says(abi.Output, "1")
		g.funcs = []function{alloc(body...), g.funcs[1]}
		return g
	}
	exits := node(i32c(3), call(0), unreachable).importing(hostapi.WASI, "proc_exit", types(tI32), none)
	aborts := node(i32c(0), i32c(0), i32c(0), i32c(0), call(0), unreachable).importing("env", "abort", types(tI32, tI32, tI32, tI32), none)
	takes := node(i32c(64), call(0), unreachable).importing(abi.HostModule, "take", types(tI32), none)
	logs := node(i32c(1), i32c(65530), i32c(7), call(0), unreachable).importing(abi.HostModule, "log", types(tI32, tI32, tI32), none)
	for name, c := range map[string]struct {
		guest   guest
		limits  Limits
		input   int
		code    string
		message string
	}{
		"unreachable":       {node(unreachable), small, 0, CodeTrap, "the module trapped: unreachable"},
		"division":          {node(i32c(1), i32c(0), []byte{0x6d}, drop, i64c(0)), small, 0, CodeTrap, "the module trapped: integer divide by zero"},
		"stack overflow":    {deep, small, 0, CodeTrap, "the module trapped: stack overflow"},
		"endless loop":      {node(forever, unreachable), Limits{Timeout: 30 * time.Millisecond}, 0, CodeTimeout, "the time limit has passed"},
		"endless alloc":     {withAlloc(forever, i32c(1)), Limits{Timeout: 30 * time.Millisecond}, 0, CodeTimeout, "the time limit has passed"},
		"proc_exit":         {exits, small, 0, CodeExit, "the module exited with status 3"},
		"abort":             {aborts, small, 0, CodeExit, "the module exited with status 255"},
		"take of nothing":   {takes, small, 0, CodeTrap, "the module trapped: take: there is no result"},
		"log from outside":  {logs, small, 0, CodeTrap, "the module trapped: log: a range outside of the memory"},
		"grow and trap":     {node(i32c(100), grow, drop, unreachable), small, 0, CodeMemory, "the memory limit of 1048576 bytes was reached"},
		"input over memory": {says(abi.Output, "1"), small, 1<<20 + 1, CodeMemory, "an input of 1048577 bytes is over the memory limit"},
		"alloc traps":       {withAlloc(unreachable), small, 0, CodeTrap, "the module trapped: unreachable"},
		"alloc says 0":      {withAlloc(i32c(0)), small, 4, CodeMemory, "the module has no memory for its input"},
		"alloc outside":     {withAlloc(i32c(65533)), small, 4, CodeBadAnswer, "alloc returned a buffer outside of the memory"},
		"alloc far outside": {withAlloc(i32c(-1)), small, 4, CodeBadAnswer, "alloc returned a buffer outside of the memory"},
		"outside":           {node(returnPacked(abi.Output, 65530, 7)), small, 0, CodeBadAnswer, "the result lies outside of the memory"},
		"far outside":       {node(returnPacked(abi.Output, 0xffffffff, abi.MaxLen)), small, 0, CodeBadAnswer, "the result lies outside of the memory"},
		"nothing":           {says(abi.Output, ""), small, 0, CodeBadAnswer, "the output is not one JSON value: ..."},
		"not JSON":          {says(abi.Output, "{a}"), small, 0, CodeBadAnswer, "the output is not one JSON value: ..."},
		"two values":        {says(abi.Output, "1 2"), small, 0, CodeBadAnswer, "the output is not one JSON value: ..."},
		"too deep":          {says(abi.Output, strings.Repeat("[", 600)+strings.Repeat("]", 600)), small, 0, CodeBadAnswer, "the output is not one JSON value: ..."},
		"invalid UTF-8":     {says(abi.Output, "\"\xff\""), small, 0, CodeBadAnswer, "the output is not one JSON value: ..."},
		"no label":          {says(abi.Routed, ""), small, 0, CodeBadAnswer, "the result is truncated"},
		"label cut short":   {says(abi.Fatal, "\x05boom"), small, 0, CodeBadAnswer, "the result is truncated"},
		"no handle":         {says(abi.Routed, "\x00{}"), small, 0, CodeBadAnswer, "the result names no handle"},
		"handle no UTF-8":   {says(abi.Routed, "\x01\xff{}"), small, 0, CodeBadAnswer, "the result names no handle"},
		"routed not JSON":   {says(abi.Routed, "\x01a"), small, 0, CodeBadAnswer, "the output is not one JSON value: ..."},
		"over the limit":    {says(abi.Output, `"123456789"`), Limits{Output: 10}, 0, CodeOutputTooLarge, "the output of 11 bytes is over the limit of 10"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "endless alloc" { // which takes all the time that there is when it is loaded
				defer func(trial time.Duration) { h.trialTimeout = trial }(h.trialTimeout)
				h.trialTimeout = 50 * time.Millisecond
			}
			m := load(t, h, c.guest.bytes(), c.limits, hostapi.Grants{Log: true})
			r, err := m.Call(t.Context(), new(hostapi.Session), make([]byte, c.input), nil)
			e := fails(t, err, c.code)
			want, open := strings.CutSuffix(c.message, "...")
			if e.Message != want && !(open && strings.HasPrefix(e.Message, want)) {
				t.Errorf("message %q, want %q", e.Message, c.message)
			}
			if r.Output != nil {
				t.Errorf("output %q beside an error", r.Output)
			}
			// A failed call does not affect the next one.
			_, again := m.Call(t.Context(), new(hostapi.Session), make([]byte, c.input), nil)
			fails(t, again, c.code)
		})
	}
}

func TestCallEndsWithItsContext(t *testing.T) { everyReset(t, callEndsWithItsContext) }

func callEndsWithItsContext(t *testing.T, h *Host) {
	gone := errors.New("the client is gone")
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	late, cancelLate := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancelLate()
	soon, cancelSoon := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancelSoon()
	for name, c := range map[string]struct {
		ctx    context.Context
		limits Limits
		code   string
	}{
		"cancelled before":     {cancelled, Limits{Timeout: time.Hour}, CodeCancelled},
		"deadline before":      {late, Limits{Timeout: time.Hour}, CodeTimeout},
		"deadline in the call": {soon, Limits{}, CodeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, h, node(forever, unreachable).bytes(), c.limits, hostapi.Grants{})
			_, err := m.Call(c.ctx, new(hostapi.Session), nil, nil)
			fails(t, err, c.code)
		})
	}
}

func TestCallIsCancelledWhileItRuns(t *testing.T) { everyReset(t, callIsCancelledWhileItRuns) }

func callIsCancelledWhileItRuns(t *testing.T, h *Host) {
	started := make(chan struct{})
	g := node(i32c(1), i32c(dataAt), i32c(2), call(0), forever, unreachable).importing(abi.HostModule, "log", types(tI32, tI32, tI32), none)
	g.data = "on"
	m := load(t, h, g.bytes(), Limits{}, hostapi.Grants{Log: true})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	s := &hostapi.Session{Grants: m.Grants(), Log: func(int, string) { close(started) }}
	_, err := m.Call(ctx, s, nil, nil)
	fails(t, err, CodeCancelled)
}

func TestGrowOverTheLimitReturnsMinusOne(t *testing.T) {
	everyReset(t, growOverTheLimitReturnsMinusOne)
}

func growOverTheLimitReturnsMinusOne(t *testing.T, h *Host) {
	// The digit is 0 - grow(15) + grow(1): 1 page before, then -1.
	g := says(abi.Output, "0")
	g.funcs[1] = run(i32c(dataAt), i32c('0'), i32c(15), grow, add, i32c(1), grow, []byte{0x6b}, store8, returnPacked(abi.Output, dataAt, 1))
	m := load(t, h, g.bytes(), small, hostapi.Grants{})
	r, err := m.Call(t.Context(), new(hostapi.Session), nil, nil)
	if err != nil || string(r.Output) != "2" { // 1 - -1
		t.Errorf("output %q, %v", r.Output, err)
	}
}

// The memory may begin empty, and its contents must survive a move.
func TestMemoryGrowsFromNothing(t *testing.T) { everyReset(t, memoryGrowsFromNothing) }

func memoryGrowsFromNothing(t *testing.T, h *Host) {
	g := node(i32c(1), grow, drop, i32c(dataAt), i32c('7'), store8, i32c(9), grow, drop, returnPacked(abi.Output, dataAt, 1))
	g.memory = []byte{0, 0}
	g.funcs[0] = alloc(i32c(1), grow, drop, i32c(bufAt))
	m := load(t, h, g.bytes(), small, hostapi.Grants{})
	r, err := m.Call(t.Context(), new(hostapi.Session), []byte("{}"), nil)
	if err != nil || string(r.Output) != "7" {
		t.Errorf("output %q, %v", r.Output, err)
	}
}

func TestCallsAreIsolated(t *testing.T) { everyReset(t, callsAreIsolated) }

func callsAreIsolated(t *testing.T, h *Host) {
	// init, warmup and run add 1 to a global and to a byte of memory; the digit is their sum.
	count := code(getGlobal(0), i32c(1), add, setGlobal(0),
		i32c(8), i32c(8), []byte{0x2d, 0, 0}, i32c(1), add, store8)
	// a call with an input traps after it has counted
	trap := code(local(1), []byte{0x04, 0x40}, unreachable, []byte{0x0b})
	g := says(abi.Output, "0").with(void("_initialize", count), void("warmup", count))
	g.globals = 1
	g.funcs[1] = run(count, i32c(dataAt), i32c('0'), getGlobal(0), add, i32c(8), []byte{0x2d, 0, 0}, add, store8, trap, returnPacked(abi.Output, dataAt, 1))
	m := load(t, h, g.bytes(), small, hostapi.Grants{})
	want := "6"
	if len(m.SnapshotObstacles()) > 0 {
		want = "4" // there is no warming up for one call
	}
	for i := range 6 {
		if i%2 == 1 {
			_, err := m.Call(t.Context(), new(hostapi.Session), []byte("trap"), nil)
			fails(t, err, CodeTrap)
		}
		r, err := m.Call(t.Context(), new(hostapi.Session), nil, nil)
		if err != nil || string(r.Output) != want {
			t.Fatalf("call %d: %q, %v; it is not the first one", i, r.Output, err)
		}
	}
}

func TestOpenLinesAreLoggedWhenACallFails(t *testing.T) {
	everyReset(t, openLinesAreLoggedWhenACallFails)
}

func openLinesAreLoggedWhenACallFails(t *testing.T, h *Host) {
	const said = "last words"
	g := node(i32c(8), i32c(dataAt), store32, i32c(12), i32c(int32(len(said))), store32,
		i32c(2), i32c(8), i32c(1), i32c(4), call(0), drop, unreachable).
		importing(hostapi.WASI, "fd_write", types(tI32, tI32, tI32, tI32), types(tI32))
	g.data = said
	m := load(t, h, g.bytes(), small, hostapi.Grants{})
	var got []string
	_, err := m.Call(t.Context(), &hostapi.Session{Log: func(_ int, s string) { got = append(got, s) }}, nil, nil)
	fails(t, err, CodeTrap)
	if len(got) != 1 || got[0] != said {
		t.Errorf("logged %q", got)
	}
}

// A panic of the host's own code is an error of the call and does not end the process.
func TestHostPanicsStayInTheCall(t *testing.T) { everyReset(t, hostPanicsStayInTheCall) }

func hostPanicsStayInTheCall(t *testing.T, h *Host) {
	g := node(i32c(1), i32c(dataAt), i32c(2), call(0), unreachable).importing(abi.HostModule, "log", types(tI32, tI32, tI32), none)
	g.data = "on"
	m := load(t, h, g.bytes(), small, hostapi.Grants{Log: true})
	for _, v := range []any{"s3cret", errors.New("s3cret")} {
		_, err := m.Call(t.Context(), &hostapi.Session{Grants: m.Grants(), Log: func(int, string) { panic(v) }}, nil, nil)
		if e := fails(t, err, CodeInternal); strings.Contains(e.Message, "s3cret") {
			t.Errorf("message %q", e.Message)
		}
	}
}
