package bbolt

import "time"

// rateSpan is over how many seconds a rate is told.
const rateSpan = 8

// rate counts by the second. It is guarded by its user.
type rate struct {
	counts [rateSpan]int
	second int64 // the newest that is counted
}

// add counts n things that happen now.
func (r *rate) add(now time.Time, n int) {
	r.turn(now.Unix())
	r.counts[r.second%rateSpan] += n
}

// perSecond is the mean of the last full seconds.
func (r *rate) perSecond(now time.Time) float64 {
	r.turn(now.Unix())
	sum := -r.counts[r.second%rateSpan]
	for _, n := range r.counts {
		sum += n
	}
	return float64(sum) / (rateSpan - 1)
}

func (r *rate) turn(second int64) {
	if second-r.second >= rateSpan {
		*r = rate{second: second}
	}
	for r.second < second {
		r.second++
		r.counts[r.second%rateSpan] = 0
	}
}
