package main

import (
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1}, 5},
		{[]float64{5, 1, 100}, 5},
		{[]float64{4, 1, 100, 2}, 3},
		{[]float64{-4, -1, -100, -2, -3}, -3},
	} {
		before := append([]float64(nil), c.values...)
		if got := median(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
		for i, v := range before {
			if c.values[i] != v {
				t.Errorf("%v became %v", before, c.values)
			}
		}
	}
	if got := median([]uint64{1<<64 - 1, 1<<64 - 3}); got != 1<<64-2 {
		t.Errorf("large numbers: %d", got)
	}
	type pair struct{ a, b time.Duration }
	rounds := []pair{{1, 30}, {3, 10}, {2, 20}}
	if a, b := medianOf(rounds, func(p pair) time.Duration { return p.a }), medianOf(rounds, func(p pair) time.Duration { return p.b }); a != 2 || b != 20 {
		t.Errorf("medians of the two figures: %d, %d", a, b)
	}
}

// A machine that is ten times slower in one round does not change the ratio.
func TestRatiosAreOfRounds(t *testing.T) {
	type r struct{ d time.Duration }
	of, to := []r{{30}, {330}, {36}}, []r{{20}, {200}, {20}}
	if got := ratios(of, to, func(r r) time.Duration { return r.d }); got != 1.65 {
		t.Errorf("%v, want the median of 1.5, 1.65 and 1.8", got)
	}
}

func TestSlope(t *testing.T) {
	for _, c := range []struct {
		x, y []float64
		want float64
	}{
		{[]float64{1, 5, 17}, []float64{12, 20, 44}, 2},
		{[]float64{17, 100}, []float64{44, 210}, 2},
		{[]float64{1, 2, 3}, []float64{1, 3, 2}, 0.5},
		{[]float64{1, 3, 5}, []float64{7, 7, 7}, 0},
	} {
		if got := slope(c.x, c.y); got != c.want {
			t.Errorf("%v %v: %v, want %v", c.x, c.y, got, c.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		sorted []time.Duration
		q      float64
		want   time.Duration
	}{
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
		{hundred, 0, 1},
		{hundred[:10], 0.99, 10},
		{hundred[:1], 0.5, 1},
		{hundred[:3], 0.5, 2},
	} {
		if got := quantile(c.sorted, c.q); got != c.want {
			t.Errorf("%v of %d: %d, want %d", c.q, len(c.sorted), got, c.want)
		}
	}
}

func TestFiguresAsText(t *testing.T) {
	for _, c := range [][2]string{
		{number(0), "0.00"},
		{number(1.005), "1.00"},
		{number(9.876), "9.88"},
		{number(12.34), "12.3"},
		{number(1234.5), "1234"},
		{number(-55.55), "-55.5"},
		{ratio(1, 2), "0.50x"},
		{ratio(300, 2), "150x"},
		{ratio(1, 0), "-"},
		{times(0.666), "0.67x"},
		{micros(1234 * time.Nanosecond), "1.23"},
		{millis(1234 * time.Microsecond), "1.23"},
		{mebibytes(3 << 19), "1.50"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s, want %s", c[0], c[1])
		}
	}
}
