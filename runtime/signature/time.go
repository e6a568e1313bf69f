package signature

import (
	"strconv"
	"strings"
	"time"
)

// timeFormat is the format of the signed time.
//
// In each format, the text of a time within the tolerance is never a prefix or suffix of another
// such text. So bytes cannot be moved between an adjacent time and body in the signed text.
type timeFormat uint8

const (
	unixSeconds timeFormat = iota
	unixMillis
	rfc3339
)

// timeFormatNames lists the names of the formats, in their order.
var timeFormatNames = []string{"unix", "unix-ms", "rfc3339"}

const (
	maxDigits  = 12 // of a time in seconds; enough for 30000 years
	maxRFC3339 = 64 // bytes; more fractional digits than any sender uses
)

// format formats a time as senders do.
func (f timeFormat) format(t time.Time) string {
	switch f {
	case unixMillis:
		return strconv.FormatInt(t.UnixMilli(), 10)
	case rfc3339:
		return t.UTC().Format(time.RFC3339)
	default:
		return strconv.FormatInt(t.Unix(), 10)
	}
}

// parse parses a time. Each format has exactly one form for a time.
func (f timeFormat) parse(text string) (t time.Time, ok bool) {
	switch f {
	case unixMillis:
		n, ok := decimal(text, maxDigits+3)
		return time.UnixMilli(n), ok
	case rfc3339:
		return parseRFC3339(text)
	default:
		n, ok := decimal(text, maxDigits)
		return time.Unix(n, 0), ok
	}
}

// parseRFC3339 parses a time that matches the grammar of RFC 3339, section 5.6. Package time
// accepts more: a comma, an hour of one digit, and offsets of 99 hours. Leap seconds are rejected,
// as in package time.
func parseRFC3339(text string) (t time.Time, ok bool) {
	const seconds = "0000-00-00T00:00:00"
	if len(text) < len(seconds)+len("Z") || len(text) > maxRFC3339 {
		return t, false
	}
	tail := text[len(seconds):]
	zone := strings.TrimLeft(tail, ".0123456789")
	fraction := tail[:len(tail)-len(zone)]
	utc := zone == "Z" || zone == "z"
	switch {
	case !isLike(text[:len(seconds)], seconds),
		fraction != "" && (len(fraction) == 1 || strings.LastIndexByte(fraction, '.') != 0),
		!utc && !isLike(zone, "+00:00") && !isLike(zone, "-00:00"),
		!utc && (zone[1:3] > "23" || zone[4:] > "59"):
		return t, false
	}
	t, err := time.Parse(time.RFC3339, strings.ToUpper(text))
	return t, err == nil
}

// isLike reports whether text has a digit where form has 0, a t in either case where form has T,
// and form's bytes elsewhere.
func isLike(text, form string) bool {
	if len(text) != len(form) {
		return false
	}
	for i := range len(form) {
		switch c := text[i]; form[i] {
		case '0':
			if !isDigit(c) {
				return false
			}
		case 'T':
			if c|0x20 != 't' {
				return false
			}
		default:
			if c != form[i] {
				return false
			}
		}
	}
	return true
}

// decimal parses a number above 0 without a sign or leading zeros.
func decimal(text string, most int) (n int64, ok bool) {
	if text == "" || len(text) > most || text[0] == '0' {
		return 0, false
	}
	for i := range len(text) {
		if !isDigit(text[i]) {
			return 0, false
		}
		n = 10*n + int64(text[i]-'0')
	}
	return n, true
}
