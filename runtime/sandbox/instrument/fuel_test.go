package instrument

import (
	"context"
	"errors"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
)

// start instruments and starts a module.
func start(t testing.TB, wasm []byte) (*Module, *instance) {
	t.Helper()
	m, err := Instrument(wasm, marked)
	if err != nil {
		t.Fatal(err)
	}
	return m, newHost(t, wazero.NewRuntimeConfig()).instrumented(wasm, m)
}

func TestFuelCosts(t *testing.T) {
	all := samples()
	leaf := func(n int) []byte {
		var body []byte
		for range n / 4 {
			body = cat(body, get(0), ci(1), by(0x6a), set(0))
		}
		return unary(nil, body, get(0)).bytes()
	}
	for name, c := range map[string]struct {
		wasm []byte
		arg  uint64
		want int64
	}{
		"a small leaf is free":                  {all["nothing"], 1, 0},
		"a leaf of 98 instructions is free":     {leaf(96), 1, 0},
		"a leaf of 102 instructions is not":     {leaf(100), 1, fullCostInstructions + (102-fullCostInstructions)/16},
		"a round costs its instructions":        {all["loop"], 1000, 10 * 1000},
		"a round that takes a value as well":    {all["loop takes"], 1000, 13 * 1000},
		"a call costs what is around it":        {all["recursion"], 99, 12 * 100},
		"memory.fill of nothing":                {all["memory.fill"], 0, 1},
		"memory.fill costs 1 for each 16 bytes": {all["memory.fill"], 65_528, 1 + 65_528/16},
		"memory.copy costs 1 for each 16 bytes": {all["memory.copy"], 6400, 1 + 400},
		"memory.init costs before it traps":     {all["memory.init"], 6400, 1 + 400},
		"memory.grow costs 64 for each page":    {all["grow"], 10, 640},
		"memory.grow of too much":               {all["grow"], 1<<32 - 1, 65_535 * 64},
		"what is too long to be copied":         {all["memory.copy"], 1<<32 - 1, 1 << 28},
	} {
		_, in := start(t, c.wasm)
		in.call("run", c.arg)
		if got := in.used(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	_, in := start(t, all["tables"])
	in.call("run", 1)
	if got := in.used(); got != 4 { // table.copy, table.init, table.fill, table.grow
		t.Error("operations on tables cost", got)
	}
}

// Code that does not end yields repeatedly, and the host can end it.
func TestNothingRunsWithoutYielding(t *testing.T) {
	twice := unary(nil, by(opBlock, blockEmpty), get(0), by(0x45, opBrIf, 0), get(0), ci(1), by(opI32Sub, opCall, 0, opDrop), get(0), ci(1),
		by(opI32Sub, opCall, 0, opDrop, opEnd), get(0))
	indirect := unary(nil, by(opBlock, blockEmpty), get(0), by(0x45, opBrIf, 0), get(0), ci(1), by(opI32Sub), ci(0), by(opCallIndirect, 0, 0, opDrop),
		get(0), ci(1), by(opI32Sub), ci(0), by(opCallIndirect, 0, 0, opDrop, opEnd), get(0))
	indirect.tables = [][]byte{{kindFunc, 0, 1}}
	indirect.elements = [][]byte{cat(by(0), ci(0), by(opEnd, 1, 0))}
	for name, wasm := range map[string][]byte{
		"loop":                unary(nil, by(opLoop, blockEmpty, opBr, 0, opEnd), get(0)).bytes(),
		"loop of many values": unary(nil, by(opLoop, blockEmpty), get(0), by(opBrTable, 1, 0, 0, opEnd), get(0)).bytes(),
		"loop with a value":   unary(nil, get(0), by(opLoop, 0, opBr, 0, opEnd)).bytes(),
		"calls":               twice.bytes(),
		"indirect calls":      indirect.bytes(),
		"long fills":          unary(nil, by(opLoop, blockEmpty), ci(0), ci(0), ci(65_536), by(opMisc, miscMemoryFill, 0, opBr, 0, opEnd), get(0)).bytes(),
	} {
		t.Run(name, func(t *testing.T) {
			_, in := start(t, wasm)
			stop := errors.New("it is enough")
			in.memory.asked = func() {
				if in.memory.yields >= 100 {
					panic(stop)
				}
			}
			for range 2 { // an instance that was stopped can be called again
				in.memory.yields = 0
				_, err := in.ExportedFunction("run").Call(in.ctx, 40)
				if !errors.Is(err, stop) || in.memory.yields != 100 {
					t.Fatalf("after %d yields: %v", in.memory.yields, err)
				}
			}
			in.memory.asked = nil
			if name == "calls" {
				if got := in.call("run", 3); got != "[3]" {
					t.Error("after it was stopped it says", got)
				}
			}
		})
	}
}

// A yield leaves compiled code, so that the runtime can stop the goroutine: garbage collection does
// not wait for the guest's end.
func TestGarbageIsCollectedWhileAGuestRuns(t *testing.T) {
	_, in := start(t, unary(nil, by(opLoop, blockEmpty, opBr, 0, opEnd), get(0)).bytes())
	in.memory.slice = 100_000
	ctx, cancel := context.WithCancel(t.Context())
	running, ended := make(chan struct{}), make(chan error)
	in.memory.asked = func() {
		if in.memory.yields == 1 {
			close(running)
		}
		if ctx.Err() != nil {
			panic(ctx.Err())
		}
	}
	go func() {
		_, err := in.ExportedFunction("run").Call(in.ctx, 1)
		ended <- err
	}()
	<-running
	var longest time.Duration
	for range 20 {
		before := time.Now()
		goruntime.GC()
		longest = max(longest, time.Since(before))
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	t.Log("the longest collection took", longest)
	if longest > 5*time.Second {
		t.Errorf("a collection took %v beside a guest", longest)
	}
}

// The host gets each yield through calls of any depth, and each memory.grow of the guest itself.
func TestYield(t *testing.T) {
	m, in := start(t, samples()["recursion"])
	in.memory.slice = 50
	in.memory.fuel.Set(50)
	if got := in.call("run", 1000); got != "[500500]" || in.memory.yields < 200 {
		t.Errorf("%s after %d yields", got, in.memory.yields)
	}
	if size := len(in.own()); size != 65_536 {
		t.Errorf("yields made the memory %d bytes large", size)
	}
	if m.Fuel == "" || int32(in.memory.fuel.Get()) > 50 {
		t.Error("fuel is", int32(in.memory.fuel.Get()))
	}
	_, in = start(t, samples()["grow"])
	if got := in.call("run", 65_535); got != "[255]" || in.memory.yields == 0 { // -1 + 1<<8
		t.Errorf("a memory of 4 GiB: %s", got)
	}
}
