package signature

import (
	"net/textproto"
	"slices"
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// maxText bounds each text of a custom scheme, in bytes.
const maxText = 256

// ParseScheme decodes the settings below a workflow's webhook.signature: raw JSON, nil for the
// default scheme "flowtrux". raw is only read. The error is an *Error whose Path is below
// "signature".
//
//	{"scheme": "github"}
//	{"scheme": "custom", "header": "X-Acme-Signature", "algorithm": "sha512", "encoding": "base64", "prefix": "v2 ",
//	 "timestampHeader": "X-Acme-Time", "timestampFormat": "unix-ms", "payload": "{timestamp}.{body}"}
//
// The schemes are flowtrux, github, stripe, slack, shopify, standard-webhooks and custom. Only
// custom has further keys:
//
//   - header: the one that carries the signature; required
//   - algorithm of the HMAC: sha1, sha256 (default) or sha512
//   - encoding of the signature: hex (default) or base64 (RFC 4648 section 4, padded)
//   - prefix: text that stands before the signature; default none
//   - timestampHeader: the one that carries the signed time; default none
//   - timestampFormat: unix (seconds; default), unix-ms (milliseconds) or rfc3339; only with
//     timestampHeader
//   - payload: the signed text, with {body} once, and {timestamp} if and only if timestampHeader is
//     set; default {body}
func ParseScheme(raw []byte) (*Scheme, error) {
	if raw == nil {
		return builtin("flowtrux"), nil
	}
	settings, err := readSettings(raw)
	if err != nil {
		return nil, err
	}
	name, ok := settings.get("scheme")
	if !ok {
		name = "flowtrux"
	}
	if name == "custom" {
		return parseCustom(settings)
	}
	s := builtin(name)
	if s == nil {
		return nil, &Error{"scheme", "must be one of " + strings.Join(schemeNames, ", ")}
	}
	for _, m := range settings {
		if m.key != "scheme" {
			return nil, &Error{m.key, "only the scheme custom has this key"}
		}
	}
	return s, nil
}

var settingKeys = []string{"scheme", "header", "algorithm", "encoding", "prefix", "timestampHeader", "timestampFormat", "payload"}

// settings are the members of an object of texts, in order.
type settings []struct{ key, text string }

func (s settings) get(key string) (string, bool) {
	for _, m := range s {
		if m.key == key {
			return m.text, true
		}
	}
	return "", false
}

func readSettings(raw []byte) (settings, error) {
	raw, err := object(raw)
	if err != nil {
		return nil, err
	}
	var list settings
	err = members(raw, func(key string, value []byte) error {
		if !slices.Contains(settingKeys, key) {
			return &Error{key, "unknown key"}
		}
		text, ok := unquote(value)
		if !ok {
			return &Error{key, "must be a string"}
		}
		if len(text) > maxText {
			return &Error{key, "is too long"}
		}
		list = append(list, struct{ key, text string }{key, text})
		return nil
	})
	return list, err
}

func parseCustom(set settings) (*Scheme, error) {
	s := &Scheme{name: "custom"}
	header, _ := set.get("header")
	var err error
	if s.names.signature, err = headerName("header", header); err != nil {
		return nil, err
	}
	if header, ok := set.get("timestampHeader"); ok {
		if s.names.timestamp, err = headerName("timestampHeader", header); err != nil {
			return nil, err
		}
		if s.names.timestamp == s.names.signature {
			return nil, &Error{"timestampHeader", "must be another one than header"}
		}
	}
	if format, ok := set.get("timestampFormat"); ok {
		i := slices.Index(timeFormatNames, format)
		if i < 0 {
			return nil, &Error{"timestampFormat", "must be one of " + strings.Join(timeFormatNames, ", ")}
		}
		if !s.timed() {
			return nil, &Error{"timestampFormat", "is only for a time in a timestampHeader"}
		}
		s.time = timeFormat(i)
	}
	algorithm, ok := set.get("algorithm")
	if !ok {
		algorithm = "sha256"
	}
	hashed, ok := map[string]material{"sha1": textSHA1, "sha256": textSHA256, "sha512": textSHA512}[algorithm]
	if !ok {
		return nil, &Error{"algorithm", "must be one of sha1, sha256, sha512"}
	}
	if encoding, ok := set.get("encoding"); ok {
		if encoding != "hex" && encoding != "base64" {
			return nil, &Error{"encoding", "must be one of hex, base64"}
		}
		s.base64 = encoding == "base64"
	}
	s.prefix, _ = set.get("prefix")
	// A header's value reaches the server without spaces around it.
	if s.prefix != strings.TrimLeft(s.prefix, " \t") || strings.ContainsFunc(s.prefix, notPrintable) {
		return nil, &Error{"prefix", "must be printable ASCII and not begin with a space"}
	}
	pattern, ok := set.get("payload")
	if !ok {
		pattern = "{body}"
	}
	if s.payload, err = parsePayload(pattern, s.timed()); err != nil {
		return nil, err
	}
	return s.finish(algorithm, hashed), nil
}

func parsePayload(pattern string, timed bool) ([]part, error) {
	list := parts(pattern)
	times := count(list, fieldTimestamp)
	switch {
	case count(list, fieldBody) != 1:
		return nil, &Error{"payload", "must contain {body} exactly once"}
	case timed && times == 0:
		return nil, &Error{"payload", "must contain {timestamp} because timestampHeader is set"}
	case !timed && times > 0:
		return nil, &Error{"payload", "must not contain {timestamp} because timestampHeader is not set"}
	case count(list, fieldID) > 0:
		return nil, &Error{"payload", "must not contain {id}: only standard-webhooks has one"}
	}
	return list, nil
}

// headerName checks a header's name and gives its canonical form.
func headerName(key, name string) (string, error) {
	switch {
	case name == "":
		return "", &Error{key, "must be the name of a header"}
	case strings.ContainsFunc(name, notToken):
		return "", &Error{key, "is not a valid header name"}
	}
	canonical := textproto.CanonicalMIMEHeaderKey(name)
	if canonical == "Host" || canonical == "Content-Length" || canonical == "Transfer-Encoding" {
		return "", &Error{key, "must not be a header that frames the request"}
	}
	return canonical, nil
}

func notPrintable(r rune) bool { return r < ' ' || r > '~' }

// notToken tells what RFC 9110 section 5.6.2 does not allow in a token.
func notToken(r rune) bool {
	return r <= ' ' || r >= 0x7F || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

// object returns raw without white space around it, if it is one JSON object.
func object(raw []byte) ([]byte, error) {
	if err := rawjson.Check(raw, maxDepth); err != nil {
		return nil, &Error{"", "is not JSON: " + err.Error()}
	}
	for rawjson.KindOf(raw) == rawjson.Invalid {
		raw = raw[1:] // white space
	}
	if rawjson.KindOf(raw) != rawjson.Object {
		return nil, &Error{"", "must be an object"}
	}
	return raw, nil
}

// maxDepth is how deep settings and stored secrets nest, with room for a message that is better
// than "too deep".
const maxDepth = 8

// members calls fn with the members of the object v, in order, until one fails. A repeated key
// fails.
func members(v []byte, fn func(key string, value []byte) error) error {
	var err error
	var seen []string
	rawjson.Members(v, func(raw, value []byte) bool {
		key, _ := unquote(slices.Concat([]byte{'"'}, raw, []byte{'"'}))
		if slices.Contains(seen, key) {
			err = &Error{"", "has a key twice"}
			return false
		}
		seen = append(seen, key)
		err = fn(key, value)
		return err == nil
	})
	return err
}

func unquote(v []byte) (string, bool) {
	if rawjson.KindOf(v) != rawjson.String {
		return "", false
	}
	return string(rawjson.AppendString(nil, v)), true
}
