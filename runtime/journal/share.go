package journal

// Share is the most that one workflow may have of a bound: three quarters, rounded up.
func Share[N int | int64](bound N) N { return bound - bound/4 }
