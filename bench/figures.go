package main

import (
	"fmt"
	"slices"
	"time"
)

// median returns the median of the values, the mean of the middle two if their number is even, or 0
// if there are none.
func median[T ~int64 | ~uint64 | ~float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	mid := len(v) / 2
	if len(v)%2 == 1 {
		return v[mid]
	}
	return v[mid-1] + (v[mid]-v[mid-1])/2
}

// medianOf returns the median of a figure over all rounds.
func medianOf[R any, T ~int64 | ~uint64 | ~float64](rounds []R, figure func(R) T) T {
	values := make([]T, len(rounds))
	for i, r := range rounds {
		values[i] = figure(r)
	}
	return median(values)
}

// ratios returns the median of a figure's ratios between the rounds of two targets. Rounds are
// interleaved, so that a machine that becomes slower meanwhile slows both sides of each ratio.
func ratios[R any, T ~int64 | ~uint64 | ~float64](of, to []R, figure func(R) T) float64 {
	values := make([]float64, min(len(of), len(to)))
	for i := range values {
		values[i] = float64(figure(of[i])) / float64(figure(to[i]))
	}
	return median(values)
}

// slope returns the slope of the line through points that has the least squares.
func slope(x, y []float64) float64 {
	var sx, sy, sxx, sxy float64
	for i := range x {
		sx, sy, sxx, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i]
	}
	n := float64(len(x))
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// quantile returns the q-quantile (nearest rank) of sorted values, of which there is at least one.
func quantile(sorted []time.Duration, q float64) time.Duration {
	i := int(q*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// ratio formats a/b.
func ratio(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return times(a / b)
}

// times formats a ratio.
func times(v float64) string { return number(v) + "x" }

// number formats a figure with three significant digits, or as a whole number from 100.
func number(v float64) string {
	switch abs := max(v, -v); {
	case abs >= 100:
		return fmt.Sprintf("%.0f", v)
	case abs >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// micros formats a duration in microseconds.
func micros(d time.Duration) string { return number(float64(d) / float64(time.Microsecond)) }

// millis formats a duration in milliseconds.
func millis(d time.Duration) string { return number(float64(d) / float64(time.Millisecond)) }

// mebibytes formats a number of bytes in MiB.
func mebibytes(n uint64) string { return number(float64(n) / (1 << 20)) }
