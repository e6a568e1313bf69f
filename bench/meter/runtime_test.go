package meter

import (
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"testing"
	"time"
)

func TestReadRuntime(t *testing.T) {
	const objects = 1000
	before := ReadRuntime(true)
	kept := make([]*[64]byte, 0, objects)
	for range objects {
		kept = append(kept, new([64]byte))
	}
	after := ReadRuntime(true)
	if got := after.Mallocs - before.Mallocs; got < objects || got > 2*objects {
		t.Errorf("%d allocations of %d objects", got, objects)
	}
	if after.HeapAlloc < objects*64 {
		t.Errorf("the heap has %d bytes", after.HeapAlloc)
	}
	// Two collections stop twice each.
	if got := after.GCStops.Since(before.GCStops); got.Count() < 4 || got.Max() <= 0 {
		t.Errorf("%d stops, the longest of %v", got.Count(), got.Max())
	}
	runtime.KeepAlive(kept)
}

func TestHistogram(t *testing.T) {
	h := newHistogram(&metrics.Float64Histogram{
		Counts:  []uint64{0, 4, 2, 1},
		Buckets: []float64{math.Inf(-1), 0, 1e-6, 1e-3, math.Inf(1)},
	})
	if want := []time.Duration{0, time.Microsecond, time.Millisecond, math.MaxInt64}; !slices.Equal(h.Upper, want) {
		t.Errorf("bounds %v", h.Upper)
	}
	before := Histogram{h.Upper, []uint64{0, 1, 2, 1}}
	since := h.Since(before)
	if since.Count() != 3 || since.Max() != time.Microsecond {
		t.Errorf("since: %d, %v", since.Count(), since.Max())
	}
	if again := since.Add(before); again.Count() != h.Count() || again.Max() != math.MaxInt64 {
		t.Errorf("added: %d, %v", again.Count(), again.Max())
	}
	var none Histogram
	if none.Count() != 0 || none.Max() != 0 || none.Add(h).Count() != 7 || h.Since(none).Count() != 7 {
		t.Error("an empty histogram is not neutral")
	}
}
