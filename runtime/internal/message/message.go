// Package message words what is wrong with a document that somebody has written: quoted text that
// shows no secret, lists of words, the nearest right word. All readers of documents use it, so that
// their problems read alike.
package message

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// MaxQuoted is how many bytes of a text a message shows.
const MaxQuoted = 64

// Mask stands for a secret wherever one would show.
const Mask = "***"

// MentionsSecret reports whether a key or text speaks of a secret, in any case, or has the form of
// one of Standard Webhooks.
func MentionsSecret(s string) bool {
	s = strings.ToUpper(s)
	return strings.Contains(s, "SECRET") || strings.Contains(s, "WHSEC_")
}

// IsPlainKey reports whether a key is written as .key in the paths of messages.
func IsPlainKey(key string) bool { return len(key) <= MaxQuoted && rawjson.IsPlainKey(key) }

// Quoted returns s in quotes, shortened. A text that speaks of a secret may hold it, so it is
// masked.
func Quoted(s string) string {
	if MentionsSecret(s) && !IsPlainKey(s) {
		s = Mask
	}
	return InQuotes(s)
}

// InQuotes is [Quoted] without the mask: for keys, and for what a schema says.
func InQuotes(s string) string {
	if len(s) > MaxQuoted {
		s = strings.ToValidUTF8(s[:MaxQuoted], "") + "..."
	}
	return strconv.Quote(s)
}

// EachQuoted quotes each word.
func EachQuoted(words []string) []string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = Quoted(w)
	}
	return q
}

// Either returns "a, b or c".
func Either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// OneOf returns why s is wrong where one of words should stand, or "" if it is one of them.
func OneOf(s string, words []string) string {
	if slices.Contains(words, s) {
		return ""
	}
	return fmt.Sprintf("must be %s, not %s%s", Either(EachQuoted(words)), Quoted(s), DidYouMean(s, words))
}

// KindName names the kind of a JSON value.
func KindName(v []byte) string {
	switch rawjson.KindOf(v) {
	case rawjson.Null:
		return "null"
	case rawjson.True, rawjson.False:
		return "a boolean"
	case rawjson.Number:
		return "a number"
	case rawjson.String:
		return "a string"
	case rawjson.Object:
		return "an object"
	default:
		return "an array"
	}
}
