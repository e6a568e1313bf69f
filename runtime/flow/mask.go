package flow

import (
	"bytes"
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// Masked returns a copy of an invalid document that is fit to be shown: without webhook.secret, as
// [RedactSecret] removes it, and masked wherever a secret may stand by mistake. That is everything
// below a key that speaks of a secret, even misspelled, each text that does so itself, such as JSON
// in a string, and each key that has the form of a secret. When raw is not one JSON object the
// result is nil.
func Masked(raw []byte) []byte {
	doc := RedactSecret(raw)
	object := bytes.TrimSpace(doc)
	if rawjson.KindOf(object) != rawjson.Object {
		return nil
	}
	const mask = `"` + message.Mask + `"`
	out, done := make([]byte, 0, len(doc)), 0
	replace := func(v []byte, by string) {
		from := cap(doc) - cap(v) // views end where the document's memory does
		out = append(append(out, doc[done:from]...), by...)
		done = from + len(v)
	}
	var walk func(text []byte) (rest []byte)
	walk = func(from []byte) (rest []byte) {
		switch rawjson.KindOf(from) {
		case rawjson.Object:
			return eachMember(from, func(rawKey, from []byte) []byte {
				key := keyText(rawKey)
				if message.KeyHoldsSecret(key) {
					replace(rawKey, message.Mask)
				}
				if !message.IsSecretKey(key) {
					return walk(from)
				}
				v, rest := rawjson.First(from)
				replace(v, mask)
				return rest
			})
		case rawjson.Array:
			return eachElement(from, walk)
		}
		v, rest := rawjson.First(from)
		if message.MentionsSecret(text(v)) {
			replace(v, mask)
		}
		return rest
	}
	walk(object)
	return append(out, doc[done:]...)
}

// belowSecret returns the outermost place around p, or p itself, whose key speaks of a secret, even
// misspelled, or nil.
func (p *place) belowSecret() *place {
	var found *place
	for ; p != nil; p = p.parent {
		if p.index < 0 && message.IsSecretKey(p.key) {
			found = p
		}
	}
	return found
}

// maskQuoted masks the quoted texts in a reason. A suggested word stays: it is not a value of the
// document.
func maskQuoted(reason string) string {
	reason, suggestion, suggests := strings.Cut(reason, message.Suggesting)
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(reason, `"`)
		b.WriteString(before)
		if !found {
			break
		}
		b.WriteString(`"` + message.Mask + `"`)
		for escaped := false; rest != "" && (escaped || rest[0] != '"'); rest = rest[1:] {
			escaped = !escaped && rest[0] == '\\'
		}
		reason = strings.TrimPrefix(rest, `"`)
	}
	if suggests {
		b.WriteString(message.Suggesting + suggestion)
	}
	return b.String()
}
