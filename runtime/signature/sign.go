package signature

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"time"
)

// Sign sets headers with which Verify accepts body for as long as now is within the tolerance. id
// is for schemes with a message ID (standard-webhooks): printable ASCII without a full stop, not
// empty. Sign ignores the ExpiresAt of key.
func (s *Scheme) Sign(h http.Header, body []byte, key Key, now time.Time, id string) {
	c := claim{id: id, timestamp: s.time.format(now)}
	of := s.of(&key)[0]
	m := s.algorithm.borrow()
	mac := m.sum(s, key.keyed(s, of), &c, body)
	text := hex.EncodeToString(mac)
	if s.base64 {
		text = base64.StdEncoding.EncodeToString(mac)
	}
	s.algorithm.giveBack(m)

	switch s.layout {
	case layoutStripe:
		text = "t=" + c.timestamp + ",v1=" + text
	case layoutStandard:
		text = "v1," + text
	default:
		if !s.bare {
			text = s.prefix + text
		}
	}
	h.Set(s.names.signature, text)
	if s.names.timestamp != "" {
		h.Set(s.names.timestamp, c.timestamp)
	}
	if s.names.id != "" {
		h.Set(s.names.id, id)
	}
}
