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

// compareNumbers compares two JSON numbers. ok is false only if a float64 cannot tell: never for JSON numbers.
func compareNumbers(a, b []byte) (c int, ok bool) {
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

// parse reads a JSON number; exact is false when it is outside of the bounds.
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
		// Without trailing zeros the longer of two texts with the same beginning is the greater number, as for texts.
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
