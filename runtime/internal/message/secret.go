package message

import (
	"regexp"
	"slices"
	"strings"
)

// MentionsSecret reports whether a key or text speaks of a secret, in any case, or has the form of
// one: see hasSecretForm.
func MentionsSecret(s string) bool {
	return strings.Contains(strings.ToUpper(s), "SECRET") || hasSecretForm(s)
}

// IsSecretKey reports whether what stands below a key may be a secret: the key speaks of one, or it
// or a word of it is nearly the word, as in "secert" and "clientSecert".
func IsSecretKey(key string) bool {
	if MentionsSecret(key) || isNearSecret(key) {
		return true
	}
	from := 0 // where the word begins
	for i := range len(key) {
		if isLetter(key[i]) && !beginsWord(key, i) {
			continue
		}
		if isMisspelledSecret(key[from:i]) {
			return true
		}
		if from = i; !isLetter(key[i]) {
			from++
		}
	}
	return isMisspelledSecret(key[from:])
}

// KeyHoldsSecret reports whether a key is itself a secret, or text with one: JSON, or an
// assignment.
func KeyHoldsSecret(key string) bool {
	return hasSecretForm(key) || strings.ContainsAny(key, `"{:=`) && MentionsSecret(key)
}

// isNearSecret compares with the plural too, which may be near when the singular is not.
func isNearSecret(word string) bool {
	return len(word) <= maxMisspelled && (Nearest(word, secretKey) != "" || Nearest(word, secretKeys) != "")
}

const maxMisspelled = 10 // bytes: no longer word is near

var secretKey, secretKeys = []string{"secret"}, []string{"secrets"}

// isMisspelledSecret decides about a word of a key. Abbreviations do not count there, as in
// timeoutSec, nor do English words.
func isMisspelledSecret(word string) bool {
	return len(word) > len("secr") && !slices.Contains(ordinary, strings.ToLower(word)) && isNearSecret(word)
}

var ordinary = []string{"select", "selects", "secure", "secured", "secures"}

// beginsWord reports whether a word begins with the letter at i, as the S in APISecret and in
// clientSecret.
func beginsWord(key string, i int) bool {
	return i > 0 && isUpper(key[i]) && (!isUpper(key[i-1]) || i+1 < len(key) && isLetter(key[i+1]) && !isUpper(key[i+1]))
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

// mayHoldSecret reports whether a message must not show s: it has the form of a secret, is as
// random as one, or speaks of one and is more than a name.
func mayHoldSecret(s string) bool {
	return hasSecretForm(s) || looksRandom(s) || !IsPlainKey(s) && MentionsSecret(s)
}

// hasSecretForm reports whether there is a secret of Standard Webhooks in s, in any case, a token
// with the prefix of a well-known service, or a JSON Web Token.
func hasSecretForm(s string) bool {
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
// Names have few turns between letters and digits, and UUIDs, dates and paths have other bytes
// between.
func looksRandom(s string) bool {
	long, turns, before := 0, 0, false
	for i := range len(s) {
		c := s[i]
		isDigit := '0' <= c && c <= '9'
		if !isDigit && !isLetter(c) && c != '+' {
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
