package signature

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// FormatKeys returns the stored value that ParseKeys decodes to keys. This is the plain text of a
// single secret that does not expire, if that parses to itself, and the object otherwise. Empty
// secrets are left out. The error is an *Error: there are too many keys, or a secret is not UTF-8
// and the object cannot hold it.
func FormatKeys(keys []Key) ([]byte, error) {
	if len(keys) == 1 && keys[0].ExpiresAt.IsZero() && plain(keys[0].Secret) {
		return bytes.Clone(keys[0].Secret), nil
	}
	dst := []byte(`{"secrets":[`)
	n := 0
	for i := range keys {
		k := &keys[i]
		if len(k.Secret) == 0 {
			continue
		}
		if n == MaxKeys {
			return nil, &Error{Path: "secrets", Reason: "would have more than " + strconv.Itoa(MaxKeys) + " elements"}
		}
		if !utf8.Valid(k.Secret) {
			return nil, &Error{Path: "secrets[" + strconv.Itoa(n) + "].value", Reason: "is not UTF-8 and so can be stored only alone"}
		}
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"value":`...)
		dst = rawjson.AppendQuoted(dst, k.Secret)
		if !k.ExpiresAt.IsZero() {
			dst = append(dst, `,"expiresAt":"`...)
			dst = k.ExpiresAt.AppendFormat(dst, time.RFC3339Nano)
			dst = append(dst, '"')
		}
		dst = append(dst, '}')
		n++
	}
	return append(dst, "]}"...), nil
}

// plain reports whether the text form preserves a secret.
func plain(secret []byte) bool {
	keys, err := ParseKeys(secret)
	return err == nil && len(keys) == 1 && bytes.Equal(keys[0].Secret, secret)
}

// Rotate returns a stored value in which secret does not expire. old is the previous stored value,
// nil if there is none. Its secrets that are live at now stay valid for keep longer, or until their
// own expiry if that is sooner. If keep is 0 or less, no old secret stays. An old value that
// ParseKeys rejects has no live secret. The error is an *Error: secret is empty, or FormatKeys
// rejects the keys.
func Rotate(old, secret []byte, now time.Time, keep time.Duration) ([]byte, error) {
	if len(secret) == 0 {
		return nil, &Error{Reason: "the secret is empty"}
	}
	keys := []Key{NewKey(secret, time.Time{})}
	if keep > 0 {
		end := now.Add(keep).UTC().Truncate(time.Second)
		olds, _ := ParseKeys(old)
		for _, k := range olds {
			if !k.live(now) || bytes.Equal(k.Secret, secret) {
				continue
			}
			if k.ExpiresAt.IsZero() || end.Before(k.ExpiresAt) {
				k.ExpiresAt = end
			}
			keys = append(keys, k)
		}
	}
	return FormatKeys(keys)
}
