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

// IsPlainKey reports whether a key is written as .key in the paths of messages.
func IsPlainKey(key string) bool { return len(key) <= MaxQuoted && rawjson.IsPlainKey(key) }

// Quoted returns s in quotes, shortened, or the mask if [mayHoldSecret] says so.
func Quoted(s string) string {
	if mayHoldSecret(s) {
		s = Mask
	}
	return InQuotes(s)
}

// InQuotes is [Quoted] without the mask: for what a schema says.
func InQuotes(s string) string {
	if len(s) > MaxQuoted {
		s = strings.ToValidUTF8(s[:MaxQuoted], "") + "..."
	}
	return strconv.Quote(s)
}

// InPath returns a key as it stands in the path of a message, after a dot or in brackets: key or
// ["a key"], or ["***"] if it may hold a secret.
func InPath(key string) string {
	if IsPlainKey(key) && !mayHoldSecret(key) {
		return key
	}
	return "[" + Quoted(key) + "]"
}

// maxEchoed is how many bytes a text may have that is like no word that may stand in its place. A
// longer one was pasted there by mistake.
const maxEchoed = 32

// Unfit returns s as a message shows a text of no use, in quotes if it is short.
func Unfit(s string) string {
	if len(s) > maxEchoed {
		return fmt.Sprintf("a text of %d bytes", len(s))
	}
	return Quoted(s)
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
	shown, hint := Quoted(s), DidYouMean(s, words)
	if hint == "" {
		shown = Unfit(s)
	}
	return fmt.Sprintf("must be %s, not %s%s", Either(EachQuoted(words)), shown, hint)
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
