package journal

import (
	"slices"
	"strings"
	"time"
)

// Query selects the executions of a list. The zero value selects the newest DefaultLimit of all.
type Query struct {
	Workflow string   // an id, "" = all
	Statuses []string // any of these; none = all
	Source   string   // see Entry.Source, "" = all
	IDPrefix string   // what ids begin with, "" = all

	// From and To select executions by the time in their ids, in milliseconds: that of their
	// acceptance. From is included, To is not. Zero = no bound.
	From, To time.Time

	Limit  int    // 0 or less = DefaultLimit; MaxLimit is the most
	Cursor string // of the page before, "" = from the newest
}

// Bounds of a Query's limit.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
)

// PageSize returns the most rows of a page.
func (q Query) PageSize() int {
	if q.Limit <= 0 {
		return DefaultLimit
	}
	return min(q.Limit, MaxLimit)
}

// Range returns the bounds of the ids of the list, from its cursor on: the first one, which may be
// "", and the end, which is not included; "" = no end. Both are ids in form. The list is empty when
// first is not below end. The error is ErrBadCursor, or ErrBadID for IDPrefix.
func (q Query) Range() (first, end string, err error) {
	if q.Cursor != "" {
		if _, err := IDTime(q.Cursor); err != nil {
			return "", "", ErrBadCursor
		}
		end = q.Cursor
	}
	lower := func(id string) {
		if id != "" && (end == "" || id < end) {
			end = id
		}
	}
	if !q.From.IsZero() {
		first = firstID(q.From)
	}
	if !q.To.IsZero() {
		lower(firstID(q.To.Add(time.Millisecond - 1)))
	}
	if q.IDPrefix != "" {
		least, behind, ok := withPrefix(q.IDPrefix)
		if !ok {
			return "", "", ErrBadID
		}
		first = max(first, least)
		lower(behind)
	}
	return first, end, nil
}

// Has reports whether the list, from its cursor on, contains a row.
func (q Query) Has(s *Summary) bool {
	first, end, err := q.Range()
	return err == nil && s.ID >= first && (end == "" || s.ID < end) && q.Fits(s)
}

// Fits reports whether a row is of the workflow, the statuses and the source of the query.
func (q Query) Fits(s *Summary) bool {
	return (q.Workflow == "" || q.Workflow == s.Workflow) &&
		(len(q.Statuses) == 0 || slices.Contains(q.Statuses, s.Status)) &&
		(q.Source == "" || q.Source == s.Source)
}

// firstID returns the smallest id of a time, in milliseconds.
func firstID(t time.Time) string {
	ms := uint64(min(max(t.UnixMilli(), 0), 1<<48-1))
	var id [idLength]byte
	for i := range id {
		id[i] = base32[0]
	}
	for i := timeChars - 1; i >= 0; i-- {
		id[i] = base32[ms&31]
		ms >>= 5
	}
	return idPrefix + string(id[:])
}

// withPrefix returns the smallest id with a prefix and the smallest one behind all of them, "" if
// there is none. ok is false if no id can have the prefix.
func withPrefix(prefix string) (least, behind string, ok bool) {
	if strings.HasPrefix(idPrefix, prefix) {
		return "", "", true
	}
	least = prefix + zeros[min(len(prefix), len(zeros)):]
	if _, err := IDTime(least); err != nil {
		return "", "", false
	}
	next := []byte(prefix)
	for i := len(next) - 1; i >= len(idPrefix); i-- {
		digit := strings.IndexByte(base32, next[i]) + 1
		if digit < len(base32) && (i > len(idPrefix) || digit <= 7) {
			next[i] = base32[digit]
			return least, string(next) + zeros[len(next):], true
		}
		next[i] = base32[0]
	}
	return least, "", true
}

// zeros is the smallest id.
var zeros = idPrefix + strings.Repeat(base32[:1], idLength)

// Page is a part of a list, the newest first by id.
type Page struct {
	Rows []Summary
	Next string // the cursor of what follows; "" = there is no more
}
