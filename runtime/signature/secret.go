package signature

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
)

// Standard Webhooks encodes a secret in base64 with a prefix. Some senders show it with the version
// of the signature in front. Their libraries remove both.
const (
	secretPrefix  = "whsec_"
	versionPrefix = "v1,"
)

// randomSecret is the number of random bytes of a new secret. SHA-256 can use no more, and the
// specification of Standard Webhooks asks for 24 to 64 bytes.
const randomSecret = 32

// NewSecret returns a random secret in the form that senders of the scheme expect.
func (s *Scheme) NewSecret() []byte {
	b := make([]byte, randomSecret)
	_, _ = rand.Read(b) // never fails: see its documentation
	if s.decodes {
		return append([]byte(secretPrefix), base64.StdEncoding.EncodeToString(b)...)
	}
	return []byte(hex.EncodeToString(b))
}

// CheckSecret returns an error if the senders of the scheme cannot use a secret. Its text is the
// key nevertheless: a sender without a library may use that. The error is an *Error.
func (s *Scheme) CheckSecret(secret []byte) error {
	if !s.decodes || decodeSecret(secret) != nil {
		return nil
	}
	return &Error{Reason: "is not base64, with or without " + secretPrefix + " before it: the libraries of Standard Webhooks refuse it"}
}

// decodeSecret returns the key that the libraries of Standard Webhooks derive from a secret, or
// nil.
func decodeSecret(secret []byte) []byte {
	text, hasVersion := bytes.CutPrefix(secret, []byte(versionPrefix))
	text, hasPrefix := bytes.CutPrefix(text, []byte(secretPrefix))
	if hasVersion && !hasPrefix {
		return nil
	}
	encoding := strictBase64
	if len(text)%4 != 0 && !bytes.HasSuffix(text, []byte("=")) {
		encoding = base64.RawStdEncoding.Strict()
	}
	key, err := encoding.AppendDecode(nil, text)
	if err != nil || len(key) == 0 {
		return nil
	}
	return key
}

// forms holds the keys of Standard Webhooks for which a secret stands.
type forms struct {
	decoded   []byte
	materials []material // in the order in which they are tried
}

// The materials of secrets, which all keys share.
var (
	textOnly     = []material{textSHA256}
	decodedOnly  = []material{decodedSHA256}
	decodedFirst = []material{decodedSHA256, textSHA256}
)

func formsOf(secret []byte) forms {
	f := forms{decoded: decodeSecret(secret)}
	switch {
	case f.decoded == nil:
		f.materials = textOnly
	case alwaysDecoded(secret):
		f.materials = decodedOnly
	default:
		f.materials = decodedFirst
	}
	return f
}

// alwaysDecoded reports whether no version of this package used the secret's text as the key. The
// first versions did so if the prefix or the padding was missing.
func alwaysDecoded(secret []byte) bool {
	text, ok := bytes.CutPrefix(secret, []byte(secretPrefix))
	return ok && len(text)%4 == 0
}
