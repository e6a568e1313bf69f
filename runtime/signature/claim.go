package signature

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

const (
	maxSignatures = 8   // in one header; senders list two while they rotate
	maxID         = 256 // bytes of a message id
	maxDigits     = 12  // of a Unix time; enough for 30000 years

	// maxMAC is the longest MAC, in bytes, and two more: what decoding a base64 text gives that is as long as the
	// MAC's but has no padding.
	maxMAC = sha512.Size + 2
)

// claim is what the headers of a request say: decoded, not yet believed. Its texts alias the headers.
type claim struct {
	id        string
	timestamp string
	seconds   int64 // timestamp as a Unix time

	macs [maxSignatures][maxMAC]byte // the first Scheme.size bytes of each count
	n    int
}

// read fills c from h.
func (s *Scheme) read(c *claim, h http.Header) Reason {
	value, reason := single(h, s.signature)
	if reason != OK {
		return reason
	}
	switch s.layout {
	case layoutStripe:
		reason = s.readStripe(c, value)
	case layoutStandard:
		reason = s.readStandard(c, value)
	default:
		text, ok := strings.CutPrefix(value, s.prefix)
		if !ok && !s.bare {
			return Malformed
		}
		reason = s.add(c, text)
	}
	if reason != OK {
		return reason
	}
	if s.timestamp != "" {
		if c.timestamp, reason = single(h, s.timestamp); reason != OK {
			return reason
		}
	}
	if s.timed() {
		var ok bool
		if c.seconds, ok = unixTime(c.timestamp); !ok {
			return Malformed
		}
	}
	if s.id != "" {
		if c.id, reason = single(h, s.id); reason != OK {
			return reason
		}
		if !validID(c.id) {
			return Malformed
		}
	}
	return OK
}

// readStripe reads t=<time>,v1=<hex>,... . Other keys, such as the v0 of test events, are passed over.
func (s *Scheme) readStripe(c *claim, value string) Reason {
	bad := Malformed
	for item := range strings.SplitSeq(value, ",") {
		key, text, _ := strings.Cut(strings.TrimSpace(item), "=")
		switch key {
		case "t":
			if c.timestamp != "" {
				return Malformed
			}
			c.timestamp = text
		case "v1":
			if c.n == maxSignatures {
				return Malformed
			}
			if r := s.add(c, text); r != OK {
				bad = r
			}
		}
	}
	return c.any(bad)
}

// readStandard reads a list of v1,<base64> separated by spaces. Other versions, such as the asymmetric v1a, are passed
// over.
func (s *Scheme) readStandard(c *claim, value string) Reason {
	bad := Malformed
	for item := range strings.SplitSeq(value, " ") {
		text, ok := strings.CutPrefix(item, "v1,")
		if !ok {
			continue
		}
		if c.n == maxSignatures {
			return Malformed
		}
		if r := s.add(c, text); r != OK {
			bad = r
		}
	}
	return c.any(bad)
}

// any is OK when a list held at least one usable signature: unusable ones beside it are another receiver's.
func (c *claim) any(bad Reason) Reason {
	if c.n == 0 {
		return bad
	}
	return OK
}

// add decodes one signature.
func (s *Scheme) add(c *claim, text string) Reason {
	mac := c.macs[c.n][:]
	if s.base64 {
		if len(text) != base64.StdEncoding.EncodedLen(s.size) {
			return lengthOr(text, isBase64)
		}
		// The decoder would pass over line breaks; the length check makes that a short, and so refused, result.
		if n, err := strictBase64.Decode(mac, []byte(text)); err != nil || n != s.size {
			return Malformed
		}
	} else {
		if len(text) != hex.EncodedLen(s.size) {
			return lengthOr(text, isHex)
		}
		if _, err := hex.Decode(mac, []byte(text)); err != nil {
			return Malformed
		}
	}
	c.n++
	return OK
}

var strictBase64 = base64.StdEncoding.Strict()

// lengthOr tells a text of the wrong length from one that is not of the encoding at all.
func lengthOr(text string, of func(c byte) bool) Reason {
	for i := range len(text) {
		if !of(text[i]) {
			return Malformed
		}
	}
	return WrongLength
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isBase64(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '+' || c == '/' || c == '='
}

// single returns the value of a header that must be there once. name is canonical.
func single(h http.Header, name string) (string, Reason) {
	switch v := h[name]; len(v) {
	case 0:
		return "", NoHeader
	case 1:
		return v[0], OK
	default:
		return "", SeveralHeaders
	}
}

// unixTime reads seconds since 1970 in their one decimal form. With no second form, and the tolerance fixing how many
// digits there are, nobody can move bytes between a time and a body that stand side by side in the signed text.
func unixTime(text string) (int64, bool) {
	if text == "" || len(text) > maxDigits || text[0] == '0' {
		return 0, false
	}
	for i := range len(text) {
		if !isDigit(text[i]) {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// validID tells whether a message id is printable ASCII without a full stop. The full stop separates the id from the
// time in the signed text: the specification of Standard Webhooks warns of ids that contain one.
func validID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || c == '.' {
			return false
		}
	}
	return true
}
