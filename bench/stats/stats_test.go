package stats_test

import (
	"testing"

	"github.com/flowtrux/edge/bench/stats"
)

func TestInterval(t *testing.T) {
	// As in tables of the sign test, 5 % on each side.
	for n, k := range map[int]int{5: 1, 10: 2, 20: 6, 100: 42} {
		of := make([]float64, n)
		for i := range of {
			of[i] = float64((i*7)%n + 1) // 1 to n, mixed, where 7 and n have no common factor
		}
		if low, high := stats.Interval(of); low != float64(k) || high != float64(n+1-k) {
			t.Errorf("%d values: %v to %v, want the %d-th from either end", n, low, high, k)
		}
	}
	if m := stats.Median([]float64{3, 1, 2, 10}); m != 2.5 {
		t.Errorf("median %v", m)
	}
}
