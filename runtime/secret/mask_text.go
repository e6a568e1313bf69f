package secret

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/hostapi"
)

const (
	mask    = "***"
	maxCode = 64 // bytes of a node's own error code
)

// Texts holds the texts that an execution must not show: those in the secret globals that it has
// resolved so far. It is safe for concurrent use.
type Texts struct {
	mu    sync.RWMutex
	texts []string // longest first, so that a text that contains another is masked as a whole
	known map[string]bool
}

// Add adds texts that a scope has collected.
func (s *Texts) Add(texts [][]byte) {
	if len(texts) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.texts)
	for _, t := range texts {
		s.insert(string(t))
		s.insert(string(rawjson.AppendEscaped(nil, t))) // as in JSON within a text
		if encoded := url.QueryEscape(string(t)); encoded != string(t) {
			s.insert(encoded)                                 // as in forms
			s.insert(strings.ReplaceAll(encoded, "+", "%20")) // as in URLs
		}
		if bytes.ContainsAny(t, "\r\n") { // messages and log lines end at line breaks
			for line := range bytes.FieldsFuncSeq(t, func(r rune) bool { return r == '\r' || r == '\n' }) {
				if len(line) >= minRemains {
					s.insert(string(line))
				}
			}
		}
	}
	if len(s.texts) > before {
		slices.SortStableFunc(s.texts, func(a, b string) int { return len(b) - len(a) })
	}
}

// insert appends a text if it is new.
func (s *Texts) insert(text string) {
	if text == "" || s.known[text] {
		return
	}
	if s.known == nil {
		s.known = map[string]bool{}
	}
	s.known[text] = true
	s.texts = append(s.texts, text)
}

// Any reports whether there are texts to mask.
func (s *Texts) Any() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.texts) > 0
}

// atLeast returns the texts of at least size bytes.
func (s *Texts) atLeast(size int) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := 0
	for n < len(s.texts) && len(s.texts[n]) >= size {
		n++
	}
	return slices.Clone(s.texts[:n])
}

// Block returns text with secrets masked: at most limit bytes of valid UTF-8 without control
// characters other than line feeds and tabs.
func (s *Texts) Block(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s.Mask(text), "\uFFFD"))
	return cutText(text, limit)
}

// cutText cuts a text to at most limit bytes, between characters.
func cutText(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// Mask masks the secrets in text.
func (s *Texts) Mask(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, secret := range s.texts {
		text = strings.ReplaceAll(text, secret, mask)
	}
	return text
}

// Line returns the first line of text with secrets masked: at most limit bytes of valid UTF-8
// without control characters.
func (s *Texts) Line(text string, limit int) string {
	text = strings.TrimSpace(s.Mask(text))
	if i := strings.IndexAny(text, "\n\r\v\f\u0085\u2028\u2029"); i >= 0 {
		text = text[:i]
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return cutText(text, limit)
}

// Message returns a node's message as a Line. The sandbox cuts long messages, so a secret may have
// lost its end. Such a remainder is masked too.
func (s *Texts) Message(text string) string {
	line := s.Line(text, hostapi.MaxMessage)
	if len(text) <= hostapi.MaxMessage-utf8.UTFMax {
		return line
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, secret := range s.texts {
		for n := min(len(secret), len(line)); n >= minRemains; n-- {
			if rest, cut := strings.CutSuffix(line, secret[:n]); cut {
				return rest + mask
			}
		}
	}
	return line
}

// minRemains is the minimum length of a part of a secret that is not taken for a coincidence.
const minRemains = 4

// Code returns a node's own error code, or "" if it has none that can be shown.
func (s *Texts) Code(label string) string {
	if label == "" || len(label) > maxCode || s.Mask(label) != label {
		return ""
	}
	for _, c := range []byte(label) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return ""
		}
	}
	return label
}
