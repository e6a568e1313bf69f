package flow

import "strings"

// TypeTrigger is the type of the node with which every workflow begins.
const TypeTrigger = "trigger"

// secretPrefix begins the keys of secret global values.
const secretPrefix = "__secret"

// IsSecretGlobal reports whether the value of the global key must be masked wherever it would show.
func IsSecretGlobal(key string) bool { return strings.HasPrefix(key, secretPrefix) }

// ValidID reports whether s may be the id of a workflow or node: a letter or digit, then at most 63
// letters, digits, - or _.
func ValidID(s string) bool {
	if s == "" || len(s) > 64 || s[0] == '-' || s[0] == '_' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
