package secret

import (
	"bytes"
	"crypto/rand"
	"slices"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/hostapi"
)

const (
	prefix       = "flowtrux-secret-"
	randomLength = 26       // characters of crypto/rand.Text: 128 random bits
	maxExpanded  = 16 << 20 // bytes of a request after expansion
	maxDepth     = 512      // nesting depth of such a request
)

// References holds the secret references in the config of one node, or of one item of forEach. The
// node's module asks for them with "secrets": "handles" in its manifest. The config then has
// references in place of values from secret globals. They become secrets again only in requests.
// References of another config are ordinary texts. A References belongs to one goroutine.
type References struct {
	byValue map[valueKey][]byte // JSON strings
	values  map[string][]byte   // raw JSON, by the reference's text
}

// valueKey identifies a value that a reference stands for. Two long values are the same only if
// they are at the same address: comparing them would take too long if many templates use one.
type valueKey struct {
	short string
	first *byte
	size  int
}

// maxShort is the maximum length of values that are compared.
const maxShort = 1 << 10

// Hide returns the reference for a value: a JSON string of characters that need no escaping in
// JSON, URLs and headers.
func (s *References) Hide(value []byte) []byte {
	key := valueKey{}
	if len(value) <= maxShort {
		key.short = string(value)
	} else {
		key.first, key.size = &value[0], len(value)
	}
	if h, ok := s.byValue[key]; ok {
		return h
	}
	if s.byValue == nil {
		s.byValue, s.values = make(map[valueKey][]byte), make(map[string][]byte)
	}
	name := prefix + rand.Text()
	h := []byte(`"` + name + `"`)
	s.byValue[key], s.values[name] = h, value
	return h
}

var errTooLarge = &hostapi.Failure{Code: "http_bad_request", Message: "the request is too large", Fatal: true}

// Expand returns a request with its references replaced by secrets. A string that consists of one
// reference becomes the value, of any kind. A reference within a string becomes the text that a
// template would have put there. Only secretParts are expanded, and no keys of objects. secrets are
// the texts in the inserted values. Input that is not a request is returned as it is. Expand does
// not change request.
func (s *References) Expand(request []byte) (expanded []byte, secrets []string, err error) {
	if s == nil || !bytes.Contains(request, []byte(prefix)) || len(request) > maxExpanded {
		return request, nil, nil
	}
	if valid := rawjson.Check(request, maxDepth) == nil; !valid {
		return request, nil, nil
	}
	o := expansion{refs: s, out: make([]byte, 0, len(request))}
	o.request(bytes.TrimLeft(request, " \t\r\n"))
	if o.tooLarge {
		return nil, nil, errTooLarge
	}
	return o.out, o.texts, nil
}

// expansion is a request that is being expanded.
type expansion struct {
	refs     *References
	out      []byte
	texts    []string
	tooLarge bool
}

// secretParts are the parts of a request that may contain secrets. The method may not: redirects
// carry it to other origins.
var secretParts = []string{"url", "headers", "query", "body"}

func (o *expansion) request(v []byte) {
	if rawjson.KindOf(v) != rawjson.Object {
		o.out = append(o.out, v...)
		return
	}
	before := byte('{')
	rawjson.Members(v, func(key, value []byte) bool {
		o.out = append(o.out, before, '"')
		o.out = append(append(o.out, key...), `":`...)
		if slices.ContainsFunc(secretParts, func(name string) bool { return rawjson.KeyIs(key, name) }) {
			o.walk(value)
		} else {
			o.out = append(o.out, value...)
		}
		before = ','
		return !o.tooLarge
	})
	if before == '{' {
		o.out = append(o.out, before)
	}
	o.out = append(o.out, '}')
}

// walk appends a value of a checked request without the white space between its tokens. It reads
// each byte once, at any nesting depth.
func (o *expansion) walk(v []byte) {
	for len(v) > 0 && !o.tooLarge {
		switch n := bytes.IndexAny(v, "\" \t\r\n"); {
		case n < 0:
			o.out, v = append(o.out, v...), nil
		case n > 0:
			o.out, v = append(o.out, v[:n]...), v[n:]
		case v[0] != '"':
			v = v[1:]
		default:
			var text []byte
			if text, v = rawjson.First(v); bytes.HasPrefix(bytes.TrimLeft(v, " \t\r\n"), []byte(":")) {
				o.out = append(o.out, text...) // a key
			} else {
				o.text(text[1 : len(text)-1])
			}
		}
		o.tooLarge = o.tooLarge || len(o.out) > maxExpanded
	}
}

// text appends a string, which is given without quotes.
func (o *expansion) text(raw []byte) {
	if value, ok := o.refs.values[string(raw)]; ok {
		o.insert(value, value)
		return
	}
	o.out = append(o.out, '"')
	for !o.tooLarge {
		at := bytes.Index(raw, []byte(prefix))
		end := at + len(prefix) + randomLength
		if at < 0 || end > len(raw) {
			break
		}
		value, ok := o.refs.values[string(raw[at:end])]
		if !ok {
			end = at + len(prefix)
			o.out = append(o.out, raw[:end]...)
		} else {
			o.out = append(o.out, raw[:at]...)
			o.insert(value, inText(value))
		}
		raw = raw[end:]
	}
	o.out = append(append(o.out, raw...), '"')
}

// insert appends as in place of a reference to value.
func (o *expansion) insert(value, as []byte) {
	o.addTexts(value)
	o.out = append(o.out, as...)
	o.tooLarge = len(o.out) > maxExpanded
}

// addTexts adds the texts of an inserted value.
func (o *expansion) addTexts(value []byte) {
	o.texts = append(o.texts, leafText(value))
	for _, part := range children(value) {
		o.addTexts(part)
	}
}

// inText returns a value as a template puts it into a JSON string.
func inText(value []byte) []byte {
	switch rawjson.KindOf(value) {
	case rawjson.String:
		return value[1 : len(value)-1]
	case rawjson.Object, rawjson.Array:
		return rawjson.AppendEscaped(nil, value)
	default:
		return value
	}
}
