package operator

import (
	"bytes"
	"cmp"
	"strconv"
)

// maxExponent is what an exponent beyond it counts as, and -maxExponent one below that.
const maxExponent = 1e15

// decimal is the value 0.digits × 10^exponent. Its digits are those of whole and then those of
// fraction, without zeros at the beginning and the end; zero has none.
type decimal struct {
	negative        bool
	whole, fraction []byte
	exponent        int64
}

// compareNumbers compares two JSON numbers. It reads each once, and allocates nothing but for a
// number with a long exponent.
func compareNumbers(a, b []byte) int {
	if sa, ok := parseShort(a); ok {
		if sb, ok := parseShort(b); ok {
			return compareShort(sa, sb)
		}
	}
	da, db := parse(a), parse(b)
	return compareDecimals(&da, &db)
}

// parse parses a JSON number.
func parse(n []byte) (d decimal) {
	if n[0] == '-' {
		d.negative, n = true, n[1:]
	}
	mantissa, exponent := cutExponent(n)
	if len(exponent) > 0 {
		// Of an exponent that does not fit, the error comes with the int64 that is nearest to it.
		e, _ := strconv.ParseInt(string(exponent), 10, 64)
		d.exponent = min(max(e, -maxExponent), maxExponent)
	}
	d.whole, d.fraction, _ = bytes.Cut(mantissa, []byte("."))
	d.exponent += int64(len(d.whole))
	d.whole = d.trimLeft(d.whole)
	if len(d.whole) == 0 {
		d.fraction = d.trimLeft(d.fraction)
	}
	d.fraction = bytes.TrimRight(d.fraction, "0")
	if len(d.fraction) == 0 {
		d.whole = bytes.TrimRight(d.whole, "0")
	}
	return d
}

// cutExponent splits a JSON number at its e.
func cutExponent(n []byte) (mantissa, exponent []byte) {
	i := bytes.IndexByte(n, 'e')
	if i < 0 {
		i = bytes.IndexByte(n, 'E')
	}
	if i < 0 {
		return n, nil
	}
	return n[:i], n[i+1:]
}

// trimLeft removes the zeros before the first digit of the value.
func (d *decimal) trimLeft(digits []byte) []byte {
	trimmed := bytes.TrimLeft(digits, "0")
	d.exponent -= int64(len(digits) - len(trimmed))
	return trimmed
}

func compareDecimals(a, b *decimal) int {
	if s := cmp.Compare(a.sign(), b.sign()); s != 0 || a.sign() == 0 {
		return s
	}
	c := cmp.Compare(a.exponent, b.exponent)
	for i := 0; c == 0 && i < min(a.digits(), b.digits()); i++ {
		c = cmp.Compare(a.digit(i), b.digit(i))
	}
	if c == 0 {
		// As neither ends with a zero, the one with more digits is greater.
		c = cmp.Compare(a.digits(), b.digits())
	}
	if a.negative {
		return -c
	}
	return c
}

func (d *decimal) digits() int { return len(d.whole) + len(d.fraction) }

func (d *decimal) digit(i int) byte {
	if i < len(d.whole) {
		return d.whole[i]
	}
	return d.fraction[i-len(d.whole)]
}

func (d *decimal) sign() int {
	switch {
	case d.digits() == 0:
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
