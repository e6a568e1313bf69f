package rawjson

import "strconv"

// AddInteger appends the sum of the JSON value v and by to dst. ok is false, and dst unchanged,
// when v is not an integer in plain digits, such as 1.5 or 1e3, or when v or the sum does not fit
// into a signed 64-bit integer. No value, v == nil, counts as 0.
func AddInteger(dst, v []byte, by int64) (sum []byte, ok bool) {
	var n int64
	if v != nil {
		var err error
		if n, err = strconv.ParseInt(string(v), 10, 64); err != nil {
			return dst, false
		}
	}
	if total := n + by; (total > n) == (by > 0) && (total == n) == (by == 0) {
		return strconv.AppendInt(dst, total, 10), true
	}
	return dst, false
}
