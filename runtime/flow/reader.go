package flow

import (
	"slices"
	"strconv"
	"time"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// value is a value of a document: its raw JSON, a view, and its place. The zero value stands for a
// missing value.
type value struct {
	raw []byte
	at  *place
}

// allMembers returns the members of the object v in order, each with its key in its place, or nil
// when v is not an object.
func (r *report) allMembers(v value) []value {
	if rawjson.KindOf(v.raw) != rawjson.Object {
		r.add(v.at, "must be an object, not %s", message.KindName(v.raw))
		return nil
	}
	all := []value{}
	rawjson.Members(v.raw, func(key, raw []byte) bool {
		all = append(all, value{raw, v.at.member(keyText(key))})
		return true
	})
	return all
}

// members calls fn for each member of the object v whose key is known, in order, and reports the
// other keys. A key that is not known, but near to one that v lacks, is read as that one, so that a
// misspelled key has one problem, and not others that follow from it. members returns the keys that
// it has read, nil when v is no object.
func (r *report) members(v value, known []string, fn func(key string, m value)) (seen []string) {
	all := r.allMembers(v)
	if all == nil {
		return nil
	}
	given := make([]string, 0, len(known)) // of the known keys
	for _, m := range all {
		if slices.Contains(known, m.at.key) {
			given = append(given, m.at.key)
		}
	}
	seen = make([]string, 0, len(known))
	for _, m := range all {
		key := m.at.key
		if !slices.Contains(known, key) {
			if key = r.misspelled(m.at, known); key == "" || slices.Contains(given, key) || slices.Contains(seen, key) {
				continue
			}
		}
		seen = append(seen, key)
		fn(key, m)
	}
	return seen
}

// misspelled reports an unknown key and returns the known one that is near to it, or "". It does
// not look for that when the report is full: nothing more can be said of its value.
func (r *report) misspelled(at *place, known []string) string {
	if r.full() {
		return ""
	}
	r.unknownKey(at, known)
	return message.Nearest(at.key, known)
}

func (r *report) unknownKey(at *place, known []string) {
	if !r.full() {
		r.add(at, "unknown key%s", message.DidYouMeanOr(at.key, known))
	}
}

// require reports each of keys that is not in seen, the result of members for v.
func (r *report) require(v value, seen []string, keys ...string) {
	if seen == nil {
		return
	}
	for _, key := range keys {
		if !slices.Contains(seen, key) {
			r.add(v.at.member(key), "is required")
		}
	}
}

// elements calls fn for each element of the array v.
func (r *report) elements(v value, fn func(i int, e value)) bool {
	if rawjson.KindOf(v.raw) != rawjson.Array {
		r.add(v.at, "must be an array, not %s", message.KindName(v.raw))
		return false
	}
	i := 0
	rawjson.Elements(v.raw, func(raw []byte) bool {
		fn(i, value{raw, v.at.element(i)})
		i++
		return true
	})
	return true
}

func (r *report) text(v value) (string, bool) {
	if rawjson.KindOf(v.raw) != rawjson.String {
		r.add(v.at, "must be a string, not %s", message.KindName(v.raw))
		return "", false
	}
	return text(v.raw), true
}

func (r *report) boolean(v value) (b, ok bool) {
	switch rawjson.KindOf(v.raw) {
	case rawjson.True:
		return true, true
	case rawjson.False:
		return false, true
	default:
		r.add(v.at, "must be true or false, not %s", message.KindName(v.raw))
		return false, false
	}
}

// oneOf reads a string that must be one of words.
func (r *report) oneOf(v value, words ...string) (string, bool) {
	s, ok := r.text(v)
	if !ok {
		return "", false
	}
	if reason := message.OneOf(s, words); reason != "" {
		r.add(v.at, "%s", reason)
		return "", false
	}
	return words[slices.Index(words, s)], true // whose text all plans share
}

// integer reads a whole number from low to high.
func (r *report) integer(v value, low, high int) (int, bool) {
	if rawjson.KindOf(v.raw) != rawjson.Number {
		r.add(v.at, "must be a whole number, not %s", message.KindName(v.raw))
		return 0, false
	}
	n, err := strconv.Atoi(string(v.raw))
	if err != nil || n < low || n > high {
		r.add(v.at, "must be a whole number from %d to %d", low, high)
		return 0, false
	}
	return n, true
}

// duration reads a duration, as time.ParseDuration does, from low to high.
func (r *report) duration(v value, low, high time.Duration) (time.Duration, bool) {
	const form = `a duration such as "30s" or "1m30s"`
	if rawjson.KindOf(v.raw) != rawjson.String {
		r.add(v.at, "must be %s, not %s", form, message.KindName(v.raw))
		return 0, false
	}
	s := text(v.raw)
	d, err := time.ParseDuration(s)
	if err != nil {
		r.add(v.at, "must be %s, not %s", form, message.Unfit(s))
		return 0, false
	}
	if d < low || d > high {
		r.add(v.at, "must be from %v to %v", low, high)
		return 0, false
	}
	return d, true
}

// text returns the text of a JSON string.
func text(raw []byte) string { return string(rawjson.AppendString(nil, raw)) }

// keyText returns the text of a key as rawjson.Members passes it.
func keyText(raw []byte) string { return string(rawjson.AppendUnescaped(nil, raw)) }
