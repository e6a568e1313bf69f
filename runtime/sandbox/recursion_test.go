package sandbox

import (
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// A guest that has no loop, and never comes to the end of its stack, is ended by its time limit too.
func TestEndlessRecursionWithoutALoop(t *testing.T) {
	// f(n) = n == 0 ? 1 : f(n-1) + f(n-1), which takes 2^n calls.
	const f = 2
	less := code(local(0), i32c(-1), add, call(f))
	twice := function{"", types(tI32), types(tI32), nil, code(
		local(0), []byte{0x04, tI32}, less, less, add, []byte{0x05}, i32c(1), []byte{0x0b},
	)}
	limits := small
	limits.Timeout = 50 * time.Millisecond
	m := load(t, newHost(t), node(i32c(200), call(f), drop, answer(abi.Output, dataAt, 1)).with(twice).bytes(), limits, hostapi.Grants{})
	_, err := m.Call(t.Context(), new(hostapi.Session), nil, nil)
	fails(t, err, CodeTimeout)

	few := node(i32c(10), call(f), drop, answer(abi.Output, dataAt, 1)).with(twice)
	few.data = "1"
	r, err := load(t, newHost(t), few.bytes(), limits, hostapi.Grants{}).Call(t.Context(), new(hostapi.Session), nil, nil)
	if err != nil || string(r.Output) != "1" {
		t.Errorf("a recursion that ends: %q, %v", r.Output, err)
	}
}
