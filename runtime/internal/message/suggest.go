package message

import (
	"slices"
	"strings"
)

// DidYouMean returns the end of a message about word, which should be one of known: a suggestion of
// the nearest of them, or nothing.
func DidYouMean(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return Suggesting + Quoted(near) + "?"
	}
	return ""
}

// Suggesting begins a suggestion.
const Suggesting = "; did you mean "

// DidYouMeanOr is [DidYouMean] with a fallback: where no word is near it lists all of known, if
// they are few.
func DidYouMeanOr(word string, known []string) string {
	hint := DidYouMean(word, known)
	if hint == "" && len(known) > 0 && len(known) <= MaxListed {
		list := slices.Sorted(slices.Values(known))
		for i, word := range list {
			if mayHoldSecret(word) {
				list[i] = Mask
			}
		}
		return "; known: " + strings.Join(list, ", ")
	}
	return hint
}

// MaxListed is how many words a message lists.
const MaxListed = 12

// Nearest returns the known word that is spelled most like word, or else the only one that word
// abbreviates. It is "" if there is none.
func Nearest(word string, known []string) string {
	if len(word) > MaxQuoted {
		return ""
	}
	best, least := "", min(len(word), max(1, len(word)/3)+1)
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(strings.ToLower(word), strings.ToLower(k), least); d < least {
			best, least = k, d
		}
	}
	if best == "" && len(word) >= minAbbreviation {
		return abbreviated(word, known)
	}
	return best
}

// minAbbreviation is how many bytes of a word say which one it is.
const minAbbreviation = 3

// abbreviated returns the one known word that begins with word, or "".
func abbreviated(word string, known []string) string {
	only := ""
	for _, k := range known {
		if len(k) > len(word) && strings.EqualFold(k[:len(word)], word) {
			if only != "" {
				return ""
			}
			only = k
		}
	}
	return only
}

// distance is how many bytes must be changed, added, left out, or swapped with their neighbors to
// make b of a, or limit when it is at least that. No byte takes part in two of these edits (optimal
// string alignment).
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return min(row[len(b)], limit)
}
