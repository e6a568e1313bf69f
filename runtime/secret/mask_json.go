package secret

import (
	"bytes"
	"slices"
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
)

const (
	// minEverywhere is how many bytes a secret has at least that is masked wherever it stands in a
	// value. Shorter ones would blot out half of a record: they are masked where a template has put
	// them.
	minEverywhere = 8
	// maxComposed bounds how many texts with a secret in them are remembered for one record.
	maxComposed = 10_000
)

// Hidden is the JSON value that is shown in place of a secret.
var Hidden = []byte(`"` + mask + `"`)

// Masker makes JSON values fit to be shown. What it gives is JSON too. The zero value masks
// nothing.
type Masker struct {
	texts []string // masked wherever they stand, longest first
	// composed are strings and numbers, as texts, into which a template has put a secret, and how
	// they are shown. A node that hands one on gives it as it got it.
	composed map[string]string
	// there are more of them than it can remember, or its effort is over: it shows nothing
	blind  bool
	all    bool   // strings and numbers are masked whatever they are
	effort Effort // nil = without a bound
}

// Effort bounds the work of masking.
type Effort interface {
	// Spend takes n bytes of work and reports whether there were as many left.
	Spend(n int) bool
}

// NewMasker returns a masker of the texts that are masked wherever they stand in a value.
func (s *Texts) NewMasker(e Effort) Masker {
	return Masker{texts: s.atLeast(minEverywhere), effort: e}
}

// HideAll makes the masker show nothing from now on.
func (m *Masker) HideAll() { m.blind = true }

const (
	// valueEffort is what a value takes beside its bytes, as bytes.
	valueEffort = 32
	// secretEffort is how many bytes of a text are read in the time of one step in looking for a
	// secret in it.
	secretEffort = 8
)

// spend takes work of the masker's effort. When that is over it is blind.
func (m *Masker) spend(n int) bool {
	if m.effort != nil && !m.effort.Spend(n) {
		m.blind = true
	}
	return !m.blind
}

// Append appends v as it is shown and reports whether anything in it is masked.
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

// AppendTexts is append without what the masker has learned: for values in which templates have put
// what is masked already.
func (m *Masker) AppendTexts(dst, v []byte) []byte {
	texts := Masker{texts: m.texts, blind: m.blind, effort: m.effort}
	dst, _ = texts.Append(dst, v)
	return dst
}

// walk appends v as it is shown, as far as the masker does not become blind.
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

// key appends a member's key, which comes without its quotes.
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
	// None is in a text that is shorter, and what was replaced is not longer than before.
	from, _ := slices.BinarySearchFunc(m.texts, len(text), func(secret string, n int) int { return n - len(secret) })
	if !m.spend((len(m.texts) - from) * (secretEffort + len(text)/secretEffort)) {
		return mask
	}
	for _, secret := range m.texts[from:] {
		text = strings.ReplaceAll(text, secret, mask)
	}
	return text
}

// leafText is the text of a string or a number.
func leafText(v []byte) string {
	if rawjson.KindOf(v) == rawjson.String {
		return string(rawjson.AppendString(nil, v))
	}
	return string(v)
}

// Learn takes in what a template gave, and the same as it is shown.
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

// children are the values in an object or an array, in order.
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

// MaskAll is v with each string and number in it masked, as a secret global is shown. Booleans
// and null tell nothing.
func MaskAll(v []byte, e Effort) []byte {
	m := Masker{all: true, effort: e}
	return m.walk(nil, v)
}
