package sandbox

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// drawing is a guest that draws a random letter in its start and another in its call, and checks in
// its start whether the clock stands at the epoch: "bp epoch:1".
func drawing() guest {
	const (
		randomGet, clockGet = 0, 1
		scratch             = 512
	)
	draw := func(at int32) []byte { // at = 'a' + scratch & 15
		return code(i32c(scratch), i32c(1), call(randomGet), drop,
			i32c(at), i32c(scratch), []byte{0x2d, 0, 0}, i32c(15), []byte{0x71}, i32c('a'), add, store8)
	}
	look := func(at int32) []byte { // at = '0' + (scratch == epoch)
		return code(i32c(0), i64c(0), i32c(scratch), call(clockGet), drop,
			i32c(at), i32c(scratch), []byte{0x29, 3, 0}, i64c(uint64(hostapi.Epoch.UnixNano())), []byte{0x51}, i32c('0'), add, store8)
	}
	g := says(abi.Output, `"-- epoch:0"`)
	g.funcs[1] = run(draw(dataAt+2), returnPacked(abi.Output, dataAt, uint32(len(g.data))))
	return g.with(void("_initialize", draw(dataAt+1), look(dataAt+10))).
		importing(hostapi.WASI, "random_get", types(tI32, tI32), types(tI32)).
		importing(hostapi.WASI, "clock_time_get", types(tI32, tI64, tI32), types(tI32))
}

func TestStartKnowsNothingOfTheCall(t *testing.T) {
	wasm := drawing().bytes()
	starts, calls := map[string]bool{}, map[string]bool{}
	for installation := range byte(8) {
		h := newHost(t)
		h.options.Seed = [32]byte{installation}
		m := load(t, h, wasm, small, hostapi.Grants{})
		var first string
		for seed := range byte(8) {
			s := &hostapi.Session{Seed: func() [32]byte { return [32]byte{seed} }, Start: time.Unix(1<<30, 0), Grants: hostapi.Grants{Clock: seed%2 == 0}}
			r, err := m.Call(t.Context(), s, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Trim(string(r.Output), `"`)
			if first == "" {
				first = got
			}
			if got[:1] != first[:1] || !strings.HasSuffix(got, "epoch:1") {
				t.Errorf("the start of a call with seed %d is %s, before %s", seed, got, first)
			}
			starts[got[:1]] = true
			calls[got[1:2]] = true
		}
	}
	// The same 8 seeds are the same 8 streams in each installation, from their beginning.
	if len(starts) < 2 || len(calls) < 2 || len(calls) > 8 {
		t.Errorf("installations start with %v, calls draw %v", starts, calls)
	}
}

// Effects that calls may have are refused in the start: with a snapshot they would happen once, and
// without one for each call.
func TestStartHasNoGrants(t *testing.T) {
	// The pending result is longer than that of a completed http request.
	g := says(abi.Output, "0").with(void("_initialize", i32c(dataAt), i32c(dataAt), i32c(1), call(0), i32c(2), []byte{0x4b}, i32c('0'), add, store8)).
		importing(abi.HostModule, "http", types(tI32, tI32), types(tI32))
	m := load(t, newHost(t), g.bytes(), small, hostapi.Grants{HTTP: true})
	s := &hostapi.Session{Grants: m.Grants(), HTTP: refusing{t}}
	r, err := m.Call(t.Context(), s, nil, nil)
	if err != nil || string(r.Output) != "1" {
		t.Errorf("output %s, %v", r.Output, err)
	}
}

// refusing implements effects that must not be used.
type refusing struct{ t *testing.T }

func (r refusing) Do(context.Context, []byte, hostapi.HTTPOptions, []byte) ([]byte, error) {
	r.t.Error("a request was done")
	return nil, nil
}

func TestDetailHoldsStandardErrorAndIsBounded(t *testing.T) {
	const said = "panic: no such table\n\tmain.go:7"
	// iovec {text, len} at 8; fd_write(2, 8, 1, 4)
	g := node(i32c(8), i32c(dataAt), store32, i32c(12), i32c(int32(len(said))), store32,
		i32c(2), i32c(8), i32c(1), i32c(4), call(0), drop, unreachable).
		importing(hostapi.WASI, "fd_write", types(tI32, tI32, tI32, tI32), types(tI32))
	g.data = said
	// A name of 1 MiB for run, which is in the stack.
	g.custom = append(text("name"), section(1, vec(append([]byte{2}, text(strings.Repeat("x", 1<<20))...)))...)
	m := load(t, newHost(t), g.bytes(), small, hostapi.Grants{})
	_, err := m.Call(t.Context(), new(hostapi.Session), nil, nil)
	e := fails(t, err, CodeTrap)
	detail := e.Detail.Error()
	if !strings.HasPrefix(detail, "wasm error: unreachable\n") || !strings.HasSuffix(detail, "\nstandard error:\n"+said) || len(detail) > 20<<10 {
		t.Errorf("%d bytes of detail: %.200s…", len(detail), detail)
	}
	if strings.Contains(e.Message, "table") {
		t.Errorf("message %q", e.Message)
	}
}
