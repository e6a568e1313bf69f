package main

import (
	"fmt"

	"github.com/flowtrux/edge/bench/stats"
)

const (
	// mostCPU is the most that the second server may use, of the first one's CPU.
	mostCPU = 1.02
	// widest is the interval that can tell whether it does.
	widest = 0.02
	// moreObjects is what is counted beside requests: less than one for each of them.
	moreObjects = 0.5
)

// printRows prints what make fleet-test shows of costs.
func printRows(o options, costs [2][]cost) {
	against := "of the build before"
	if o.option != "" {
		against = fmt.Sprintf("with %s, of without", o.option)
	}
	before, _, ratios := sides(costs, func(c cost) float64 { return c.time })
	low, high := stats.Interval(ratios)
	result := fmt.Sprintf("%.3f (%.3f to %.3f)", stats.Median(ratios), low, high)
	if high-low > widest {
		result += ", wider than 2 %"
	}
	fmt.Printf("CPU of a webhook %s, %d × 2 × %d s\tof %.1f µs\t≤ %.2f\t%s\t%t\n",
		against, o.pairs, o.seconds, stats.Median(before), mostCPU, result, stats.Median(ratios) <= mostCPU)
	before, after, _ := sides(costs, func(c cost) float64 { return c.objects })
	more := stats.Median(after) - stats.Median(before)
	fmt.Printf("objects that it allocates more\tof %.1f\t< %.1f\t%.2f\t%t\n", stats.Median(before), moreObjects, more, more < moreObjects)
}
