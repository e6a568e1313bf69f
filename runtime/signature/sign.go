package signature

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"
)

// Sign sets the headers that make Verify accept body until now is out of the tolerance. id is for schemes with a
// message id (standard-webhooks): printable ASCII without a full stop, not empty. ExpiresAt of key does not count.
func (s *Scheme) Sign(h http.Header, body []byte, key Key, now time.Time, id string) {
	c := claim{id: id, timestamp: strconv.FormatInt(now.Unix(), 10)}
	m := key.borrow(s)
	mac := m.sum(s, &c, body)
	text := hex.EncodeToString(mac)
	if s.base64 {
		text = base64.StdEncoding.EncodeToString(mac)
	}
	key.giveBack(s, m)

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
	h.Set(s.signature, text)
	if s.timestamp != "" {
		h.Set(s.timestamp, c.timestamp)
	}
	if s.id != "" {
		h.Set(s.id, id)
	}
}
