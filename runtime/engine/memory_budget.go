package engine

import "sync/atomic"

// account counts the bytes of an execution's live values.
type account struct {
	limit int64
	used  atomic.Int64
}

// free is how much may be taken now.
func (a *account) free() int { return int(max(0, a.limit-a.used.Load())) }

// take counts n bytes, unless that is more than is free.
func (a *account) take(n int) bool {
	if a.used.Add(int64(n)) > a.limit {
		a.give(n)
		return false
	}
	return true
}

// give gives n bytes back that were taken.
func (a *account) give(n int) { a.used.Add(-int64(n)) }
