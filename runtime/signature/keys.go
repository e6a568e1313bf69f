package signature

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// MaxKeys is the maximum number of secrets of a workflow. Each live one adds a hash of the body to
// the cost of rejecting a request.
const MaxKeys = 16

// MaxSecret is the maximum length of a secret, in bytes. A longer one is most likely a wrong file.
const MaxSecret = 64 << 10

// errLong is the reason for a secret longer than MaxSecret.
var errLong = fmt.Sprintf("is longer than %d bytes", MaxSecret)

// TrimNewline removes one newline, LF or CRLF, from the end of a secret that was read from a file
// or typed. Editors and shells append it. The result is a subslice of text.
func TrimNewline(text []byte) []byte {
	if line, ok := bytes.CutSuffix(text, []byte("\n")); ok {
		return bytes.TrimSuffix(line, []byte("\r"))
	}
	return text
}

// Key is one secret of a workflow. It prints as a mask. Create it with [NewKey], [OneKey] or
// [ParseKeys]: any other Key works, but costs more per request. Keys may be copied and used
// concurrently.
type Key struct {
	Secret    []byte    // as the sender has it; must not be modified; empty = no secret
	ExpiresAt time.Time // valid before this time; zero = always

	states *states
}

// NewKey returns a key. It retains secret.
func NewKey(secret []byte, expiresAt time.Time) Key {
	return Key{Secret: secret, ExpiresAt: expiresAt, states: &states{forms: formsOf(secret)}}
}

// OneKey returns a key as the only one of a workflow, in one object. It retains secret.
func OneKey(secret []byte, expiresAt time.Time) []Key {
	k := new(struct {
		keys   [1]Key
		states states
	})
	k.states.forms = formsOf(secret)
	k.keys[0] = Key{Secret: secret, ExpiresAt: expiresAt, states: &k.states}
	return k.keys[:]
}

// String implements fmt.Stringer. It never shows the secret.
func (Key) String() string { return message.Mask }

// GoString implements fmt.GoStringer. It never shows the secret.
func (Key) GoString() string { return message.Mask }

// MarshalText implements encoding.TextMarshaler. It never shows the secret.
func (Key) MarshalText() ([]byte, error) { return []byte(message.Mask), nil }

func (k *Key) live(now time.Time) bool {
	return len(k.Secret) > 0 && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// ParseKeys decodes the stored value of secrets/<id>. It is the text of one secret, of which one
// newline at the end (LF or CRLF) is removed. If the first byte is a brace, it is an object:
//
//	{"secrets": [{"value": "…"}, {"value": "…", "expiresAt": "2030-01-31T12:00:00Z"}]}
//
// expiresAt is RFC 3339. A secret has at most MaxSecret bytes. Empty secrets are dropped, so there
// may be no keys and no error. Expired ones are not dropped. The error is an *Error, without keys:
// an object with any mistake has no valid secret. value is not retained.
func ParseKeys(value []byte) ([]Key, error) {
	if len(value) == 0 || value[0] != '{' {
		value = TrimNewline(value)
		switch {
		case len(value) == 0:
			return nil, nil
		case len(value) > MaxSecret:
			return nil, &Error{Reason: errLong}
		}
		return OneKey(bytes.Clone(value), time.Time{}), nil
	}
	raw, err := object(value)
	if err != nil {
		return nil, err
	}
	var list []byte
	err = members(raw, func(key string, v []byte) error {
		if key != "secrets" {
			return &Error{Reason: "has a key other than secrets"}
		}
		list = v
		return nil
	})
	if err != nil {
		return nil, err
	}
	if rawjson.KindOf(list) != rawjson.Array {
		return nil, &Error{Path: "secrets", Reason: "must be an array"}
	}
	return parseList(list)
}

func parseList(list []byte) ([]Key, error) {
	var keys []Key
	var err error
	i := 0
	rawjson.Elements(list, func(v []byte) bool {
		if i == MaxKeys {
			err = &Error{Path: "secrets", Reason: "has more than " + strconv.Itoa(MaxKeys) + " elements"}
			return false
		}
		var k Key
		if k, err = parseKey(v, "secrets["+strconv.Itoa(i)+"]"); err != nil {
			return false
		}
		if len(k.Secret) > 0 {
			keys = append(keys, k)
		}
		i++
		return true
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

func parseKey(v []byte, path string) (Key, error) {
	if rawjson.KindOf(v) != rawjson.Object {
		return Key{}, &Error{Path: path, Reason: "must be an object"}
	}
	var secret []byte
	var expires time.Time
	given := false
	err := members(v, func(key string, value []byte) error {
		text, ok := unquote(value)
		switch key {
		case "value":
			if !ok {
				return &Error{Path: path + ".value", Reason: "must be a string"}
			}
			if len(text) > MaxSecret {
				return &Error{Path: path + ".value", Reason: errLong}
			}
			secret, given = []byte(text), true
		case "expiresAt":
			var err error
			if expires, err = time.Parse(time.RFC3339, text); !ok || err != nil {
				return &Error{Path: path + ".expiresAt", Reason: "must be a time in RFC 3339"}
			}
		default:
			return &Error{Path: path, Reason: "has a key other than value and expiresAt"}
		}
		return nil
	})
	var e *Error
	errors.As(err, &e)
	switch {
	case e != nil && e.Path == "":
		return Key{}, &Error{Path: path, Reason: e.Reason}
	case e != nil:
		return Key{}, e
	case !given:
		return Key{}, &Error{Path: path, Reason: "has no value"}
	}
	return NewKey(secret, expires), nil
}

// object returns raw without surrounding white space if it is one JSON object.
func object(raw []byte) ([]byte, error) {
	if err := rawjson.Check(raw, maxDepth); err != nil {
		return nil, &Error{Reason: "is not JSON: " + err.Error()}
	}
	for rawjson.KindOf(raw) == rawjson.Invalid {
		raw = raw[1:] // white space
	}
	if rawjson.KindOf(raw) != rawjson.Object {
		return nil, &Error{Reason: "must be an object"}
	}
	return raw, nil
}

// maxDepth is the maximum depth of stored secrets and settings. It leaves room for a better message
// than "too deep".
const maxDepth = 8

// members calls fn with the members of the object v, in order, until fn fails. A repeated key is an
// error.
func members(v []byte, fn func(key string, value []byte) error) error {
	var err error
	var seen []string
	rawjson.Members(v, func(raw, value []byte) bool {
		key, _ := unquote(slices.Concat([]byte{'"'}, raw, []byte{'"'}))
		if slices.Contains(seen, key) {
			err = &Error{Reason: "has a key twice"}
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
