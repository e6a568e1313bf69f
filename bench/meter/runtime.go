package meter

import (
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"
)

// Runtime holds counters of Go's runtime since the start of the process.
type Runtime struct {
	Mallocs   uint64    // objects allocated
	HeapAlloc uint64    // bytes of heap in use
	GCStops   Histogram // times to stop all goroutines for the garbage collector
}

const gcStops = "/sched/pauses/stopping/gc:seconds"

// ReadRuntime reads the counters of this process, after a garbage collection if gc is true. It
// stops the process briefly, because only then is the number of allocations exact.
func ReadRuntime(gc bool) Runtime {
	if gc {
		runtime.GC()
		runtime.GC() // the first one moves pooled objects to the victim cache, this one frees them
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

// Histogram counts durations. Counts[i] durations were at most Upper[i] and more than Upper[i-1].
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

// Since returns the difference to an earlier histogram.
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

// Add returns the sum of two histograms.
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

// Count returns the number of durations.
func (h Histogram) Count() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Max returns an upper bound of the longest duration, or 0 if there is none.
func (h Histogram) Max() time.Duration {
	for i, n := range slices.Backward(h.Counts) {
		if n > 0 {
			return h.Upper[i]
		}
	}
	return 0
}
