package bbolt

import "time"

// rateSpan is the number of seconds over which the rate is measured.
const rateSpan = 8

// writeRate counts writes by the second. Its user guards it.
type writeRate struct {
	counts [rateSpan]int
	second int64 // the newest one in counts
}

// add counts n writes at a time.
func (r *writeRate) add(now time.Time, n int) {
	r.advance(now.Unix())
	r.counts[r.second%rateSpan] += n
}

// perSecond returns the mean of the last full seconds.
func (r *writeRate) perSecond(now time.Time) float64 {
	r.advance(now.Unix())
	sum := -r.counts[r.second%rateSpan]
	for _, n := range r.counts {
		sum += n
	}
	return float64(sum) / (rateSpan - 1)
}

func (r *writeRate) advance(second int64) {
	if second-r.second >= rateSpan {
		*r = writeRate{second: second}
	}
	for r.second < second {
		r.second++
		r.counts[r.second%rateSpan] = 0
	}
}
