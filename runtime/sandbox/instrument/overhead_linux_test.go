package instrument

import (
	"cmp"
	goruntime "runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/tetratelabs/wazero"
)

// BenchmarkFuel measures the overhead of counting fuel, and of marking writes as well. Each
// iteration runs a guest with both, with fuel alone, and with neither, one after the other. The
// results are the ratios of their CPU times. Run it with -benchtime=50x or so.
func BenchmarkFuel(b *testing.B) {
	jsonC, hash, small := compileC(b, "json"), compileC(b, "hash"), compileC(b, "small")
	text := []byte(strings.Repeat(`{"id": 12345, "name": "a \"name\"", "list": [1, 2, 3.5, true, null]}, `, 14))
	text = append(append([]byte("["), text[:len(text)-2]...), ']')
	builtin := readFile(b, "../../../nodes/dist/builtin.wasm")
	config := []byte(`{"input":` + string(text) + `,"operations":[{"op":"set","path":"[3].list[1]","value":7},{"op":"rename","path":"[0].name","to":"title"}]}`)
	fill := func(in *instance, content []byte) {
		at, _ := in.ExportedFunction("buffer").Call(in.ctx)
		in.layout.Write(in, uint32(at[0]), content)
	}
	for _, c := range []struct {
		name  string
		wasm  []byte
		begin func(*instance)
		call  func(*instance)
	}{
		{"c-json", jsonC, func(in *instance) { fill(in, text) }, func(in *instance) { in.call("run", uint64(len(text))) }},
		{"c-fnv", hash, func(in *instance) { fill(in, slices.Repeat(text, 64)) }, func(in *instance) { in.call("run", 1<<16) }},
		{"c-blocks", hash, func(in *instance) { fill(in, slices.Repeat(text, 64)) }, func(in *instance) { in.call("blocks", 1<<16) }},
		{"c-sort", small, nil, func(in *instance) { in.call("sort", 63) }},
		{"c-fib", small, nil, func(in *instance) { in.call("fib", 20) }},
		{"c-spin", small, nil, func(in *instance) { in.call("spin", 100_000) }},
		{"tight", tight().bytes(), nil, func(in *instance) { in.call("run", 100_000) }},
		{"go-json", compileGo(b, "json-go"), func(in *instance) { in.call("_initialize") }, func(in *instance) { in.node(text) }},
		{"transform", builtin, nil, func(in *instance) { in.call("run_type", 0, in.alloc(config), uint64(len(config))) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := newHost(b, wazero.NewRuntimeConfig())
			var in [3]*instance
			for i, o := range []Options{marked, {}, {unmetered: true}} {
				m, err := Instrument(c.wasm, o)
				if err != nil {
					b.Fatal(err)
				}
				in[i] = h.instrumented(c.wasm, m)
				in[i].memory.slice = 100_000
				if c.begin != nil {
					c.begin(in[i])
				}
			}
			goruntime.LockOSThread()
			defer goruntime.UnlockOSThread()
			calls := 1
			for ; ; calls *= 2 {
				if took(in[2], calls, c.call) > 3*time.Millisecond {
					break
				}
			}
			var times [3][]time.Duration
			for b.Loop() {
				for i := range in {
					times[i] = append(times[i], took(in[i], calls, c.call))
				}
			}
			b.ReportMetric(float64(median(times[0]))/float64(median(times[2])), "x-both")
			b.ReportMetric(float64(median(times[1]))/float64(median(times[2])), "x-fuel")
			b.ReportMetric(float64(slices.Min(times[2]))/float64(calls), "ns/call")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// took returns the CPU time of this many calls.
func took(in *instance, calls int, call func(*instance)) time.Duration {
	before := cpu()
	for range calls {
		call(in)
	}
	return cpu() - before
}

// cpu returns the CPU time of this thread.
func cpu() time.Duration {
	var t syscall.Timespec
	const threadClock = 3
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, threadClock, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		panic(errno)
	}
	return time.Duration(t.Nano())
}

func median[T cmp.Ordered](all []T) T {
	return slices.Sorted(slices.Values(all))[len(all)/2]
}
