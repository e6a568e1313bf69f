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
	return number(a/b) + "x"
}

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
