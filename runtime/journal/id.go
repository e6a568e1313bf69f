package journal

import (
	"strings"
	"time"
)

const (
	idPrefix  = "exec-"
	idLength  = 26                                 // of a ULID
	timeChars = 10                                 // of it that are the time
	base32    = "0123456789abcdefghjkmnpqrstvwxyz" // Crockford's, in lower case
)

// IDTime returns the time in an execution's id; ErrBadID if it is malformed.
func IDTime(id string) (time.Time, error) {
	text, ok := strings.CutPrefix(id, idPrefix)
	if !ok || len(text) != idLength || text[0] > '7' {
		return time.Time{}, ErrBadID
	}
	var ms int64
	for i := range idLength {
		digit := strings.IndexByte(base32, text[i])
		if digit < 0 {
			return time.Time{}, ErrBadID
		}
		if i < timeChars {
			ms = ms<<5 | int64(digit)
		}
	}
	return time.UnixMilli(ms).UTC(), nil
}
