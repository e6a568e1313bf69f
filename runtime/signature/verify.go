package signature

import (
	"crypto/hmac"
	"net/http"
	"time"
)

// Verify checks body against h with any of keys that is live at now. Both are only read. Every MAC is compared in
// constant time, and a signed time is looked at only once the MAC is right.
//
// A call hashes the whole body at least once, whatever it finds in the headers and keys, so that its time does not tell
// whether a workflow has a secret or even exists: verify requests for unknown workflows with no keys. It hashes the
// body once for each live key until one matches.
func (s *Scheme) Verify(h http.Header, body []byte, keys []Key, now time.Time) Reason {
	var c claim
	reason, hashed := s.read(&c, h), false
	if reason == OK {
		reason, hashed = s.check(&c, body, keys, now)
	}
	if !hashed {
		m := s.decoy.borrow(s)
		m.sum(s, &c, body)
		s.decoy.giveBack(s, m)
	}
	return reason
}

// check compares with the MACs of all live keys. hashed tells whether there was one.
func (s *Scheme) check(c *claim, body []byte, keys []Key, now time.Time) (reason Reason, hashed bool) {
	reason = NoSecret
	for i := range keys {
		k := &keys[i]
		if !k.live(now) {
			continue
		}
		reason = Mismatch
		m := k.borrow(s)
		ok := c.has(m.sum(s, c, body))
		k.giveBack(s, m)
		if ok {
			return s.checkTime(c, now), true
		}
	}
	return reason, reason == Mismatch
}

func (s *Scheme) checkTime(c *claim, now time.Time) Reason {
	if !s.timed() {
		return OK
	}
	if d := now.Sub(time.Unix(c.seconds, 0)); d > Tolerance || d < -Tolerance {
		return Stale
	}
	return OK
}

// has tells whether mac is one of the claimed ones. It looks at all of them.
func (c *claim) has(mac []byte) bool {
	found := false
	for i := range c.n {
		if hmac.Equal(mac, c.macs[i][:len(mac)]) {
			found = true
		}
	}
	return found
}
