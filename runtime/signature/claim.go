package signature

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	maxSignatures = 8   // per header; senders list two while they rotate
	maxID         = 256 // bytes of a message id

	// maxMAC is the maximum length of a MAC, in bytes, plus two. Base64 text that is as long as
	// that of a MAC but lacks the padding decodes to two more bytes.
	maxMAC = sha512.Size + 2
)

// claim is the content of a request's signature headers, decoded but not verified. Its strings
// alias the headers.
type claim struct {
	id        string
	timestamp string
	time      time.Time // parsed timestamp

	header string // name of the last header read

	macs [maxSignatures][maxMAC]byte // of each, only as many bytes are used as the algorithm has
	n    int
}

// read fills c from h.
func (s *Scheme) read(c *claim, h http.Header) Reason {
	names := &s.names
	if s.older.signature != "" {
		if names = s.namesIn(h); names == &s.names && !s.older.agree(c, h, names) {
			return Malformed
		}
	}
	value, reason := c.single(h, names.signature)
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
	if s.names.timestamp != "" {
		if c.timestamp, reason = c.single(h, names.timestamp); reason != OK {
			return reason
		}
	}
	if s.timed() {
		var ok bool
		if c.time, ok = s.time.parse(c.timestamp); !ok {
			return Malformed
		}
	}
	if s.names.id != "" {
		if c.id, reason = c.single(h, names.id); reason != OK {
			return reason
		}
		if !validID(c.id) {
			return Malformed
		}
	}
	return OK
}

// namesIn returns the header names to read in h. It returns the older ones only if none of the
// others is present, so that no signed message can be assembled from both.
func (s *Scheme) namesIn(h http.Header) *names {
	if s.older.signature != "" && !s.names.in(h) && s.older.in(h) {
		return &s.older
	}
	return &s.names
}

// in reports whether h has a header of one of the names.
func (n *names) in(h http.Header) bool {
	return h[n.signature] != nil || h[n.timestamp] != nil || h[n.id] != nil
}

// agree reports whether the headers of these names have the same values in h as those of others. A
// sender may send both.
func (n *names) agree(c *claim, h http.Header, others *names) bool {
	same := func(name, other string) bool {
		c.header = name
		return h[name] == nil || slices.Equal(h[name], h[other])
	}
	return same(n.signature, others.signature) && same(n.timestamp, others.timestamp) && same(n.id, others.id)
}

// single calls the function single and records the header's name.
func (c *claim) single(h http.Header, name string) (string, Reason) {
	c.header = name
	return single(h, name)
}

// readStripe reads t=<time>,v1=<hex>,... . Other keys, such as the v0 of test events, are skipped.
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

// readStandard reads a list of v1,<base64> separated by spaces. Other versions, such as the
// asymmetric v1a, are skipped.
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

// any returns OK if a list has at least one usable signature. Unusable ones next to it are for
// other receivers.
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
		if len(text) != base64.StdEncoding.EncodedLen(s.algorithm.size) {
			return lengthOr(text, isBase64)
		}
		// The decoder skips line breaks. The length check rejects such text, because the result is
		// too short.
		if n, err := strictBase64.Decode(mac, []byte(text)); err != nil || n != s.algorithm.size {
			return Malformed
		}
	} else {
		if len(text) != hex.EncodedLen(s.algorithm.size) {
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

// lengthOr distinguishes text of the wrong length from text that is not in the encoding at all.
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

// single returns the value of a header that must occur exactly once. name is canonical.
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

// validID reports whether a message ID is printable ASCII without a full stop. The full stop
// separates the ID from the time in the signed text. The specification of Standard Webhooks warns
// of IDs that contain one.
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
