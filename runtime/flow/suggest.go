package flow

import (
	"slices"
	"strings"
)

// didYouMean is the end of a message about word, which should be one of known: the nearest of them,
// or nothing.
func didYouMean(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return suggesting + quoted(near) + "?"
	}
	return ""
}

// suggesting comes before a word that may have been meant.
const suggesting = "; did you mean "

// didYouMeanOr is didYouMean that falls back to all that are known, when they are few.
func didYouMeanOr(word string, known []string) string {
	hint := didYouMean(word, known)
	if hint == "" && len(known) > 0 && len(known) <= maxListed {
		return "; known: " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
	}
	return hint
}

// maxListed bounds the words that a message lists.
const maxListed = 12

// nearest returns the known word that is spelled most like word, "" when none is near.
func nearest(word string, known []string) string {
	if len(word) > maxQuoted {
		return ""
	}
	best, least := "", min(len(word), max(1, len(word)/3)+1)
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(strings.ToLower(word), strings.ToLower(k), least); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance of a and b in bytes, or limit when it is at least that.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return min(row[len(b)], limit)
}
