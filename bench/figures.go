package main

import (
	"fmt"
	"slices"
	"time"
)

// median is the middle value, the mean of the middle two when their number is even, and 0 of none.
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

// medianOf is the median of one figure of all rounds.
func medianOf[R any, T ~int64 | ~uint64 | ~float64](rounds []R, figure func(R) T) T {
	values := make([]T, len(rounds))
	for i, r := range rounds {
		values[i] = figure(r)
	}
	return median(values)
}

// quantile is the value below which the part q of all values lies (nearest rank). The values are
// sorted, and there is one.
func quantile(sorted []time.Duration, q float64) time.Duration {
	i := int(q*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// ratio writes a/b, with as many digits as mean something.
func ratio(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return number(a/b) + "x"
}

// number writes a figure with three digits that count, or all of a whole number.
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

// micros writes a duration in microseconds.
func micros(d time.Duration) string { return number(float64(d) / float64(time.Microsecond)) }

// millis writes a duration in milliseconds.
func millis(d time.Duration) string { return number(float64(d) / float64(time.Millisecond)) }

// mebibytes writes a number of bytes in MiB.
func mebibytes(n uint64) string { return number(float64(n) / (1 << 20)) }
