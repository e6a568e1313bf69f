package slots

import "testing"

// BenchmarkSlot measures the cost of a slot for each request.
func BenchmarkSlot(b *testing.B) {
	p := New(256)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Acquire(b.Context(), "order-intake", 10, 0, false, nil); err != nil {
			b.Fatal(err)
		}
		p.Release("order-intake")
	}
}
