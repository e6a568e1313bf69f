package signature

import (
	"crypto/hmac"
	"net/http"
	"time"
)

// Verify checks body against h with any of the keys that are live at now. It modifies none of them.
// Every MAC is compared in constant time, and a signed time is checked only after the MAC.
//
// header is the name of the header that caused the reason, if one did: it is missing, repeated or
// malformed.
//
// A call hashes the whole body at least once, whatever the headers and keys are. So its time does
// not reveal whether a workflow has a secret or even exists: verify requests for unknown workflows
// with no keys. Verify hashes the body once for each live key until one matches, or twice if a
// secret stands for two keys (standard-webhooks).
func (s *Scheme) Verify(h http.Header, body []byte, keys []Key, now time.Time) (reason Reason, header string) {
	var c claim
	hashed := false
	if reason = s.read(&c, h); reason == OK {
		reason, hashed = s.check(&c, body, keys, now)
	} else {
		header = c.header
	}
	if !hashed {
		of := s.of(&s.decoy)[0]
		m := s.algorithm.borrow()
		m.sum(s, s.decoy.keyed(s, of), &c, body)
		s.algorithm.giveBack(m)
	}
	return reason, header
}

// check compares with the MACs of all live keys. hashed reports whether there was a live key.
func (s *Scheme) check(c *claim, body []byte, keys []Key, now time.Time) (reason Reason, hashed bool) {
	reason = NoSecret
	for i := range keys {
		k := &keys[i]
		if !k.live(now) {
			continue
		}
		reason = Mismatch
		for _, of := range s.of(k) {
			m := s.algorithm.borrow()
			ok := c.has(m.sum(s, k.keyed(s, of), c, body))
			s.algorithm.giveBack(m)
			if ok {
				return s.checkTime(c, now), true
			}
		}
	}
	return reason, reason == Mismatch
}

func (s *Scheme) checkTime(c *claim, now time.Time) Reason {
	if !s.timed() {
		return OK
	}
	if d := now.Sub(c.time); d > Tolerance || d < -Tolerance {
		return Stale
	}
	return OK
}

// has reports whether mac is among the claimed ones. It always compares all of them.
func (c *claim) has(mac []byte) bool {
	found := false
	for i := range c.n {
		if hmac.Equal(mac, c.macs[i][:len(mac)]) {
			found = true
		}
	}
	return found
}
