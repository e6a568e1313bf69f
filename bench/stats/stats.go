// Package stats judges ratios of rounds that take turns.
package stats

import (
	"math"
	"slices"
)

// Median returns the value in the middle.
func Median(of []float64) float64 {
	s := slices.Sorted(slices.Values(of))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// Interval returns the confidence interval of the median with at least 90 %
// (https://en.wikipedia.org/wiki/Order_statistic): from the k-th smallest to the k-th largest
// value, where k is the largest with P(Binomial(n, 1/2) < k) of at most 5 %. With fewer than 5
// values it is that of all, which is less sure.
func Interval(of []float64) (low, high float64) {
	s, n := slices.Sorted(slices.Values(of)), len(of)
	below, term, k := 0.0, math.Pow(0.5, float64(n)), 0
	for ; below+term <= 0.05; k++ {
		below += term
		term *= float64(n-k) / float64(k+1)
	}
	k = max(k, 1)
	return s[k-1], s[n-k]
}
