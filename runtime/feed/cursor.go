package feed

import (
	"strconv"
	"strings"
)

// Cursor is a position in a feed: that of the last event that a client has. The zero value is no
// position of any feed.
type Cursor struct {
	epoch string // of the feed; "" = none
	seq   uint64 // of the event
}

// ParseCursor parses a cursor's text. A text that no feed has written becomes the zero Cursor.
func ParseCursor(text string) Cursor {
	epoch, number, ok := strings.Cut(text, "-")
	seq, err := strconv.ParseUint(number, 10, 64)
	if c := (Cursor{epoch, seq}); ok && err == nil && epoch != "" && c.String() == text {
		return c
	}
	return Cursor{}
}

// String returns the text of the cursor: "<epoch>-<number>".
func (c Cursor) String() string { return string(c.Append(nil)) }

// Append appends the text of the cursor.
func (c Cursor) Append(dst []byte) []byte {
	dst = append(append(dst, c.epoch...), '-')
	return strconv.AppendUint(dst, c.seq, 10)
}
