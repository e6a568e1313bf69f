package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/flowtrux/edge/bench/stats"
)

// figures are what rounds have measured of two sides that take turns.
type figures struct {
	what, of, with string // with is the side that of is compared with
	least          bool   // the ratio is at least wanted; otherwise at most
	wanted         float64
	sides          [2][]float64 // of and with
}

// measure does a round of both sides, which changes its order each time, as the second one finds a
// warmer machine.
func (f *figures) measure(n int, side func(int) (float64, error)) error {
	first := n % 2
	var got [2]float64
	for _, i := range []int{first, 1 - first} {
		var err error
		if got[i], err = side(i); err != nil {
			return err
		}
	}
	for i := range got {
		f.sides[i] = append(f.sides[i], got[i])
	}
	fmt.Fprintf(os.Stderr, "round %d: %.1f and %.1f, ratio %.2f\n", n+1, got[0], got[1], got[0]/got[1])
	return nil
}

// ratio returns the median of the ratios, its interval, and whether it is as wanted.
func (f *figures) ratio() (ratio, low, high float64, reached bool) {
	ratios := make([]float64, len(f.sides[0]))
	for i := range ratios {
		ratios[i] = f.sides[0][i] / f.sides[1][i]
	}
	low, high = stats.Interval(ratios)
	ratio = stats.Median(ratios)
	if f.least {
		return ratio, low, high, ratio >= f.wanted
	}
	return ratio, low, high, ratio <= f.wanted
}

func (f *figures) rows(to io.Writer) error {
	ratio, low, high, reached := f.ratio()
	bound := "≤"
	if f.least {
		bound = "≥"
	}
	_, err := fmt.Fprintf(to, "%s, %s: %.1f\t%s: %.1f\t%s %.2f\t%.2f (%.2f to %.2f)\t%t\n",
		f.what, f.of, stats.Median(f.sides[0]), f.with, stats.Median(f.sides[1]), bound, f.wanted, ratio, low, high, reached)
	return err
}

func (f *figures) print(to io.Writer) error {
	ratio, low, high, reached := f.ratio()
	wanted := fmt.Sprintf("at most %.2f", f.wanted)
	if f.least {
		wanted = fmt.Sprintf("at least %.2f", f.wanted)
	}
	w := tabwriter.NewWriter(to, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "what\t%s\t%s\tratio\t90 %% interval\twanted\treached\n", f.of, f.with)
	fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.3f\t%.3f to %.3f\t%s\t%t\n", f.what, stats.Median(f.sides[0]), stats.Median(f.sides[1]), ratio, low, high, wanted, reached)
	return w.Flush()
}
