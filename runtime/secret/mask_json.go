package secret

import (
	"bytes"
	"slices"
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
)

const (
	// minEverywhere is the minimum length of a secret that is masked wherever it occurs in a value.
	// Shorter secrets would blot out half of a record: they are masked only where a template has
	// put them.
	minEverywhere = 8
	// maxComposed limits the texts containing a secret that are remembered for one record.
	maxComposed = 10_000
)

// Hidden is the JSON value shown in place of a secret.
var Hidden = []byte(`"` + mask + `"`)

// Masker masks secrets in JSON values. Its results are JSON too. The zero value masks nothing.
type Masker struct {
	texts []string // masked wherever they occur, longest first
	// composed maps strings and numbers into which a template has put a secret, as texts, to their
	// shown form. A node may pass one on unchanged.
	composed map[string]string
	// shows nothing: composed is full, or the effort is over
	blind  bool
	all    bool   // masks all strings and numbers
	effort Effort // nil = unbounded
}

// Effort bounds the work of masking.
type Effort interface {
	// Spend takes n bytes of work and reports whether that many were left.
	Spend(n int) bool
}

// NewMasker returns a masker for the texts that are masked wherever they occur in a value.
func (s *Texts) NewMasker(e Effort) Masker {
	return Masker{texts: s.atLeast(minEverywhere), effort: e}
}

// HideAll makes the masker show nothing from now on.
func (m *Masker) HideAll() { m.blind = true }

const (
	// valueEffort is the work for a value apart from its bytes, in bytes.
	valueEffort = 32
	// secretEffort is the number of bytes of a text that are searched for a secret in the time of
	// one byte of work.
	secretEffort = 8
)

// spend takes n bytes of the masker's effort. Once the effort is over, the masker is blind.
func (m *Masker) spend(n int) bool {
	if m.effort != nil && !m.effort.Spend(n) {
		m.blind = true
	}
	return !m.blind
}

// Append appends v as shown and reports whether anything in it is masked.
func (m *Masker) Append(dst, v []byte) (_ []byte, masked bool) {
	if m.blind {
		return append(dst, Hidden...), true
	}
	if len(m.composed) == 0 && len(m.texts) == 0 {
		m.spend(len(v))
		return append(dst, v...), false
	}
	start := len(dst)
	dst = m.walk(dst, v)
	return dst, !bytes.Equal(dst[start:], v)
}

// AppendTexts is Append without the texts that the masker has learned. It is for values in which
// the text that templates put in is masked already.
func (m *Masker) AppendTexts(dst, v []byte) []byte {
	texts := Masker{texts: m.texts, blind: m.blind, effort: m.effort}
	dst, _ = texts.Append(dst, v)
	return dst
}

// walk appends v as shown. It stops early if the masker becomes blind.
func (m *Masker) walk(dst, v []byte) []byte {
	if !m.spend(len(v) + valueEffort) {
		return append(dst, Hidden...)
	}
	first := true
	comma := func() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
	}
	switch rawjson.KindOf(v) {
	case rawjson.Object:
		dst = append(dst, '{')
		rawjson.Members(v, func(key, value []byte) bool {
			comma()
			dst = append(m.key(dst, key), ':')
			dst = m.walk(dst, value)
			return !m.blind
		})
		return append(dst, '}')
	case rawjson.Array:
		dst = append(dst, '[')
		rawjson.Elements(v, func(value []byte) bool {
			comma()
			dst = m.walk(dst, value)
			return !m.blind
		})
		return append(dst, ']')
	case rawjson.String, rawjson.Number:
		text := leafText(v)
		if shown := m.text(text); shown != text {
			return rawjson.AppendQuoted(dst, []byte(shown))
		}
	}
	return append(dst, v...)
}

// key appends a member's key, which is given without quotes.
func (m *Masker) key(dst, raw []byte) []byte {
	key := string(rawjson.AppendUnescaped(nil, raw))
	m.spend(valueEffort)
	if shown := m.everywhere(key); shown != key {
		return rawjson.AppendQuoted(dst, []byte(shown))
	}
	return append(append(append(dst, '"'), raw...), '"')
}

func (m *Masker) text(text string) string {
	if (m.all || m.blind) && text != "" {
		return mask
	}
	if shown, ok := m.composed[text]; ok {
		return shown
	}
	return m.everywhere(text)
}

func (m *Masker) everywhere(text string) string {
	// A secret longer than the text is not in it, and replacing does not make the text longer.
	from, _ := slices.BinarySearchFunc(m.texts, len(text), func(secret string, n int) int { return n - len(secret) })
	if !m.spend((len(m.texts) - from) * (secretEffort + len(text)/secretEffort)) {
		return mask
	}
	for _, secret := range m.texts[from:] {
		text = strings.ReplaceAll(text, secret, mask)
	}
	return text
}

// leafText returns the text of a string or a number.
func leafText(v []byte) string {
	if rawjson.KindOf(v) == rawjson.String {
		return string(rawjson.AppendString(nil, v))
	}
	return string(v)
}

// Learn remembers the strings and numbers in which the result of a template differs from its shown
// form.
func (m *Masker) Learn(plain, shown []byte) {
	if m.blind || bytes.Equal(plain, shown) || !m.spend(len(plain)+len(shown)+valueEffort) {
		return
	}
	kind := rawjson.KindOf(plain)
	switch kind {
	case rawjson.Object, rawjson.Array:
		parts := children(shown)
		if rawjson.KindOf(shown) != kind {
			parts = nil
		}
		for i, part := range children(plain) {
			if i < len(parts) {
				m.Learn(part, parts[i])
			} else {
				m.Learn(part, Hidden)
			}
		}
	case rawjson.String, rawjson.Number:
		text, as := leafText(plain), mask
		if text == "" {
			return
		}
		if rawjson.KindOf(shown) == rawjson.String {
			as = leafText(shown)
		}
		if m.composed == nil {
			m.composed = make(map[string]string)
		}
		m.composed[text] = as
		m.blind = len(m.composed) > maxComposed
	}
}

// children returns the values in an object or an array, in order.
func children(v []byte) (values [][]byte) {
	if rawjson.KindOf(v) == rawjson.Object {
		rawjson.Members(v, func(_, value []byte) bool {
			values = append(values, value)
			return true
		})
		return values
	}
	rawjson.Elements(v, func(value []byte) bool {
		values = append(values, value)
		return true
	})
	return values
}

// MaskAll returns v with each string and number masked, as secret globals are shown. Booleans and
// null reveal nothing.
func MaskAll(v []byte, e Effort) []byte {
	m := Masker{all: true, effort: e}
	return m.walk(nil, v)
}
