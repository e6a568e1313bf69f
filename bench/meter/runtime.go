package meter

import (
	"math"
	"runtime"
	"runtime/metrics"
	"time"
)

// Runtime is what Go's runtime has counted since the start of the process.
type Runtime struct {
	Mallocs   uint64    // objects allocated
	HeapAlloc uint64    // bytes of heap in use
	GCStops   Histogram // how long it took to stop all goroutines for the garbage collector
}

const gcStops = "/sched/pauses/stopping/gc:seconds"

// ReadRuntime reads the counters of this process, after a garbage collection if gc is true. It
// stops the process for a moment: only so are the allocations counted to the last one.
func ReadRuntime(gc bool) Runtime {
	if gc {
		runtime.GC()
		runtime.GC() // what the first one found in pools is free only now
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	stops := []metrics.Sample{{Name: gcStops}}
	metrics.Read(stops)
	return Runtime{
		Mallocs:   memory.Mallocs,
		HeapAlloc: memory.HeapAlloc,
		GCStops:   newHistogram(stops[0].Value.Float64Histogram()),
	}
}

// Histogram counts durations. Counts[i] of them took at most Upper[i], and more than the one
// before.
type Histogram struct {
	Upper  []time.Duration
	Counts []uint64
}

func newHistogram(h *metrics.Float64Histogram) Histogram {
	out := Histogram{Counts: h.Counts}
	for _, upper := range h.Buckets[1:] {
		d := time.Duration(math.MaxInt64)
		if !math.IsInf(upper, 1) {
			d = time.Duration(upper * float64(time.Second))
		}
		out.Upper = append(out.Upper, d)
	}
	return out
}

// Since is what was counted after before.
func (h Histogram) Since(before Histogram) Histogram {
	out := Histogram{Upper: h.Upper, Counts: make([]uint64, len(h.Counts))}
	for i, n := range h.Counts {
		out.Counts[i] = n
		if i < len(before.Counts) {
			out.Counts[i] -= before.Counts[i]
		}
	}
	return out
}

// Add adds what other counted.
func (h Histogram) Add(other Histogram) Histogram {
	if len(h.Counts) == 0 {
		return other
	}
	out := Histogram{Upper: h.Upper, Counts: make([]uint64, len(h.Counts))}
	for i := range out.Counts {
		out.Counts[i] = h.Counts[i] + other.Counts[i]
	}
	return out
}

// Count is how many durations there are.
func (h Histogram) Count() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Max is a bound of the longest one: none was longer. It is 0 when there is none.
func (h Histogram) Max() time.Duration {
	for i := len(h.Counts) - 1; i >= 0; i-- {
		if h.Counts[i] > 0 {
			return h.Upper[i]
		}
	}
	return 0
}
