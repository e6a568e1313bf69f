package signature

import (
	"bytes"
	"net/textproto"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// maxText is the maximum length of each string of a custom scheme, in bytes.
const maxText = 256

// maxErrors is the maximum number of [Errors]. After them the rest of the settings is not read.
const maxErrors = 50

// ParseScheme decodes the settings in a workflow's webhook.signature: raw JSON, nil for the
// default scheme "flowtrux". raw is not modified. The error is an [Errors] with all problems,
// but at most 50. Its paths are relative to "signature".
//
//	{"scheme": "github"}
//	{"scheme": "custom", "header": "X-Acme-Signature", "algorithm": "sha512",
//	 "encoding": "base64", "prefix": "v2 ", "timestampHeader": "X-Acme-Time",
//	 "timestampFormat": "unix-ms", "payload": "{timestamp}.{body}"}
//
// The schemes are flowtrux, github, stripe, slack, shopify, standard-webhooks and custom. Only
// custom has further keys:
//
//   - header: the header with the signature; required
//   - algorithm of the HMAC: sha1, sha256 (default) or sha512
//   - encoding of the signature: hex (default) or base64 (RFC 4648 section 4, padded)
//   - prefix: text before the signature; default none
//   - timestampHeader: the header with the signed time; default none
//   - timestampFormat: unix (seconds; default), unix-ms (milliseconds) or rfc3339; only with
//     timestampHeader
//   - payload: the signed text, with {body} once, and {timestamp} if and only if timestampHeader is
//     set; default {body}
func ParseScheme(raw []byte) (*Scheme, error) {
	if raw == nil {
		return builtin("flowtrux"), nil
	}
	var set settings
	set.read(raw)
	scheme := set.scheme()
	if len(set.errs) > 0 {
		return nil, set.errs
	}
	return scheme, nil
}

const (
	keyScheme          = "scheme"
	keyHeader          = "header"
	keyAlgorithm       = "algorithm"
	keyEncoding        = "encoding"
	keyPrefix          = "prefix"
	keyTimestampHeader = "timestampHeader"
	keyTimestampFormat = "timestampFormat"
	keyPayload         = "payload"
)

var settingKeys = []string{
	keyScheme, keyHeader, keyAlgorithm, keyEncoding, keyPrefix, keyTimestampHeader, keyTimestampFormat, keyPayload,
}

// settings holds the members of an object of strings, and the problems with them.
type settings struct {
	list   []setting
	errs   Errors
	broken bool // not an object, so nothing is known of its members
}

// setting is one member. bad means that its value is not a usable string, which has been reported.
type setting struct {
	key, text string
	spelled   string // the key as in the document
	bad       bool
}

// add reports what is wrong with the member of a key.
func (s *settings) add(key, reason string) {
	if !s.full() {
		s.errs = append(s.errs, &Error{Path: message.InPath(key), Reason: reason, key: key})
	}
}

// fail reports why the settings cannot be read.
func (s *settings) fail(reason string) {
	s.errs, s.broken = append(s.errs, &Error{Reason: reason}), true
}

// full reports whether no more errors are taken. What is missing then may not have been read.
func (s *settings) full() bool { return len(s.errs) == maxErrors }

// read reads an object of strings. It reports a misspelled key and then treats it as the intended
// one, so that no other problem follows from it.
func (s *settings) read(raw []byte) {
	if err := rawjson.Check(raw, maxDepth); err != nil {
		s.fail("is not JSON: " + err.Error())
	} else if raw = bytes.TrimSpace(raw); rawjson.KindOf(raw) != rawjson.Object {
		s.fail("must be an object, not " + message.KindName(raw))
	}
	if s.broken = len(s.errs) > 0; s.broken {
		return
	}
	var given []string // each is known or has an error, so it stays short
	rawjson.Members(raw, func(rawKey, value []byte) bool {
		if s.full() {
			return false
		}
		m := setting{key: string(rawjson.AppendUnescaped(nil, rawKey))}
		m.spelled = m.key
		if slices.Contains(given, m.key) {
			s.add(m.spelled, "is given twice")
			return true
		}
		given = append(given, m.key)
		if !slices.Contains(settingKeys, m.key) {
			s.add(m.spelled, "unknown key"+message.DidYouMeanOr(m.key, settingKeys))
			m.key = message.Nearest(m.key, settingKeys)
			if m.key == "" || rawjson.Get(raw, m.key) != nil || s.get(m.key) != nil {
				return true
			}
		}
		switch {
		case rawjson.KindOf(value) != rawjson.String:
			s.add(m.spelled, "must be a string, not "+message.KindName(value))
			m.bad = true
		default:
			if m.text = string(rawjson.AppendString(nil, value)); len(m.text) > maxText {
				s.add(m.spelled, "is too long")
				m.bad = true
			}
		}
		s.list = append(s.list, m)
		return true
	})
}

// get returns the member with a key, or nil if there is none.
func (s *settings) get(key string) *setting {
	i := slices.IndexFunc(s.list, func(m setting) bool { return m.key == key })
	if i < 0 {
		return nil
	}
	return &s.list[i]
}

// word returns the value of a member that must be one of words, or byDefault if the member is
// missing. If the value is wrong, word reports it and returns false.
func (s *settings) word(key, byDefault string, words []string) (word string, ok bool) {
	m := s.get(key)
	switch {
	case m == nil:
		return byDefault, true
	case m.bad:
		return "", false
	}
	if reason := message.OneOf(m.text, words); reason != "" {
		s.add(m.spelled, reason)
		return m.text, false
	}
	return m.text, true
}

// scheme returns the scheme that the settings describe. The result is useful only if there are no
// problems.
func (s *settings) scheme() *Scheme {
	if s.broken {
		return nil
	}
	name, ok := s.word(keyScheme, "flowtrux", schemeNames)
	if !ok {
		// only custom has further settings
		name = message.Nearest(name, []string{"custom"})
	}
	switch name {
	case "":
		return nil
	case "custom":
		return s.custom()
	}
	for _, m := range s.list {
		if m.key != keyScheme {
			s.add(m.spelled, "only the scheme custom has this key")
		}
	}
	return builtin(name)
}

func (s *settings) custom() *Scheme {
	c := &Scheme{name: "custom"}
	if s.get(keyHeader) == nil {
		s.add(keyHeader, "is required")
	}
	c.names.signature = s.headerName(keyHeader)
	c.names.timestamp = s.headerName(keyTimestampHeader)
	timed := s.get(keyTimestampHeader)
	if timed != nil && c.names.timestamp != "" && c.names.timestamp == c.names.signature {
		s.add(timed.spelled, "must be another one than header")
	}
	if format, ok := s.word(keyTimestampFormat, timeFormatNames[0], timeFormatNames); ok {
		c.time = timeFormat(slices.Index(timeFormatNames, format))
	}
	if m := s.get(keyTimestampFormat); m != nil && timed == nil {
		s.add(m.spelled, "is only for a time in a timestampHeader")
	}
	algorithm, _ := s.word(keyAlgorithm, "sha256", algorithms)
	encoding, _ := s.word(keyEncoding, "hex", []string{"hex", "base64"})
	c.base64 = encoding == "base64"
	if m := s.get(keyPrefix); m != nil {
		c.prefix = m.text
		// A header's value reaches the server without spaces around it.
		if strings.TrimLeft(m.text, " \t") != m.text || strings.ContainsFunc(m.text, notPrintable) {
			s.add(m.spelled, "must be printable ASCII and not begin with a space")
		}
	}
	c.payload = s.payload(timed != nil)
	return c.finish(algorithm, map[string]material{"sha1": textSHA1, "sha256": textSHA256, "sha512": textSHA512}[algorithm])
}

var algorithms = []string{"sha1", "sha256", "sha512"}

// payload parses the pattern of the signed text.
func (s *settings) payload(timed bool) []part {
	pattern := setting{spelled: keyPayload, text: "{body}"}
	if m := s.get(keyPayload); m != nil {
		pattern = *m
	}
	if pattern.bad {
		return nil
	}
	list := parts(pattern.text)
	times := count(list, fieldTimestamp)
	switch {
	case count(list, fieldBody) != 1:
		s.add(pattern.spelled, "must contain {body} exactly once")
	case timed && times == 0:
		s.add(pattern.spelled, "must contain {timestamp} because timestampHeader is set")
	case !timed && times > 0:
		s.add(pattern.spelled, "must not contain {timestamp} because timestampHeader is not set")
	case count(list, fieldID) > 0:
		s.add(pattern.spelled, "must not contain {id}: only standard-webhooks has one")
	}
	return list
}

// headerName reads a header name and returns its canonical form, or "" if it is missing or wrong.
func (s *settings) headerName(key string) string {
	m := s.get(key)
	if m == nil || m.bad {
		return ""
	}
	canonical := textproto.CanonicalMIMEHeaderKey(m.text)
	switch {
	case m.text == "":
		s.add(m.spelled, "must be the name of a header")
	case !httpguts.ValidHeaderFieldName(m.text):
		s.add(m.spelled, "is not a valid header name")
	case canonical == "Host" || canonical == "Content-Length" || canonical == "Transfer-Encoding":
		s.add(m.spelled, "must not be a header that frames the request")
	default:
		return canonical
	}
	return ""
}

func notPrintable(r rune) bool { return r < ' ' || r > '~' }
