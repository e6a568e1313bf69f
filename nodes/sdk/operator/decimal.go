package operator

import (
	"bytes"
	"cmp"
	"strconv"
)

// Numbers within these bounds compare exactly, digit by digit; others as float64.
const (
	maxDigits   = 400
	maxExponent = 400
)

// decimal is the value 0.digits × 10^exponent; zero has no digits.
type decimal struct {
	negative bool
	digits   []byte // without leading and trailing zeros
	exponent int
}

// compareNumbers compares two JSON numbers. ok is false only if a float64 cannot be compared, which
// JSON numbers never cause.
func compareNumbers(a, b []byte) (c int, ok bool) {
	if sa, ok := parseShort(a); ok {
		if sb, ok := parseShort(b); ok {
			return compareShort(sa, sb), true
		}
	}
	da, exactA := parse(a)
	db, exactB := parse(b)
	if exactA && exactB {
		return compareDecimals(da, db), true
	}
	// Beyond the range of float64 the result is an infinity, which still has an order.
	fa, _ := strconv.ParseFloat(string(a), 64)
	fb, _ := strconv.ParseFloat(string(b), 64)
	return cmp.Compare(fa, fb), true
}

// parse parses a JSON number. exact is false when it is out of the bounds.
func parse(n []byte) (d decimal, exact bool) {
	if n[0] == '-' {
		d.negative, n = true, n[1:]
	}
	mantissa, exponent := n, 0
	if i := bytes.IndexAny(n, "eE"); i >= 0 {
		e, err := strconv.Atoi(string(n[i+1:]))
		if err != nil || e > maxExponent || e < -maxExponent {
			return d, false
		}
		mantissa, exponent = n[:i], e
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	if len(whole)+len(fraction) > maxDigits {
		return d, false
	}
	d.exponent = exponent + len(whole)
	d.digits = append(append(make([]byte, 0, len(whole)+len(fraction)), whole...), fraction...)
	for len(d.digits) > 0 && d.digits[0] == '0' {
		d.digits = d.digits[1:]
		d.exponent--
	}
	d.digits = bytes.TrimRight(d.digits, "0")
	if len(d.digits) == 0 {
		return decimal{}, true // -0 is 0
	}
	return d, true
}

func compareDecimals(a, b decimal) int {
	if s := cmp.Compare(a.sign(), b.sign()); s != 0 || a.sign() == 0 {
		return s
	}
	c := cmp.Compare(a.exponent, b.exponent)
	if c == 0 {
		// Without trailing zeros, of two digit strings with the same beginning the longer is the
		// greater number, as for text.
		c = bytes.Compare(a.digits, b.digits)
	}
	if a.negative {
		return -c
	}
	return c
}

func (d *decimal) sign() int {
	switch {
	case len(d.digits) == 0:
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// short is the value n / 10^fraction of a number with few digits, as most numbers have. Comparing
// two of them allocates nothing.
type short struct {
	n        int64
	fraction int
}

// maxShort is the maximum number of digits of a short number. With as many zeros behind them they
// fit an int64.
const maxShort = 9

var powers = [maxShort + 1]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// parseShort parses a JSON number without an exponent. ok is false for other numbers, and for
// numbers with more digits.
func parseShort(b []byte) (s short, ok bool) {
	digits := b
	if b[0] == '-' {
		digits = b[1:]
	}
	if len(digits) > maxShort+1 {
		return s, false
	}
	point := len(digits)
	for i, c := range digits {
		switch digit := c - '0'; { // the most frequent one first
		case digit <= 9:
			s.n = 10*s.n + int64(digit)
		case c == '.':
			point = i + 1
		default:
			return s, false
		}
	}
	if s.fraction = len(digits) - point; s.fraction == 0 && len(digits) > maxShort {
		return s, false
	}
	if b[0] == '-' {
		s.n = -s.n
	}
	return s, true
}

func compareShort(a, b short) int {
	most := max(a.fraction, b.fraction)
	return cmp.Compare(a.n*powers[most-a.fraction], b.n*powers[most-b.fraction])
}
