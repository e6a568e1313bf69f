package message

import (
	"regexp"
	"strings"
)

// MentionsSecret reports whether a key or text speaks of a secret, in any case, or has the form of
// one: see [HasSecretForm].
func MentionsSecret(s string) bool {
	return strings.Contains(strings.ToUpper(s), "SECRET") || HasSecretForm(s)
}

// MayHoldSecret reports whether a message must not show s: it has the form of a secret, is as
// random as one, or speaks of one and is more than a name.
func MayHoldSecret(s string) bool {
	return HasSecretForm(s) || looksRandom(s) || !IsPlainKey(s) && MentionsSecret(s)
}

// HasSecretForm reports whether there is a secret of Standard Webhooks in s, in any case, a token
// with the prefix of a well-known service, or a JSON Web Token.
func HasSecretForm(s string) bool {
	return (strings.ContainsAny(s, "_-.") || strings.Contains(s, "AKIA")) && secretForms.MatchString(s)
}

var secretForms = regexp.MustCompile(`(?i:whsec_)` +
	`|\b(?:[sr]k_(?:live|test)_|gh[opsru]_|github_pat_|glpat-|xox[a-z]-|xapp-|shp[a-z]{2}_|npm_|sk-)[0-9A-Za-z_-]{8}` +
	`|\bAKIA[0-9A-Z]{16}|\beyJ[0-9A-Za-z_-]{8,}\.`)

const (
	minRandom = 24 // bytes of a word that counts as random, as in the text of 18 random bytes
	minTurns  = 3  // between letters and digits in it
)

// looksRandom reports whether a word of s is as long and as mixed as random bytes in hex or base64.
// Names have few turns between letters and digits, and UUIDs, dates and paths have other bytes between.
func looksRandom(s string) bool {
	long, turns, before := 0, 0, false
	for i := range len(s) {
		c := s[i]
		isDigit := '0' <= c && c <= '9'
		if !isDigit && !('a' <= c|0x20 && c|0x20 <= 'z') && c != '+' {
			long = 0
			continue
		}
		if long == 0 {
			turns = 0
		} else if isDigit != before {
			turns++
		}
		long, before = long+1, isDigit
		if long >= minRandom && turns >= minTurns {
			return true
		}
	}
	return false
}
