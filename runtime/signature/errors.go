package signature

import (
	"fmt"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// Error describes one problem with the settings of a scheme ([ParseScheme]) or with stored secrets
// ([ParseKeys], [FormatKeys], [Rotate]). It contains no part of a secret.
type Error struct {
	// JSON path below the value, such as "payload" or "secrets[1].expiresAt"; "" = the value itself
	Path   string
	Reason string // continues the path: "must be a string"
	key    string // of a scheme's settings, whole
}

// Place returns the path with the key whole, where Path shortens or masks it. It is not for
// messages: the key may be a secret.
func (e *Error) Place() string {
	if e.key == "" {
		return e.Path
	}
	return placeOf(e.key)
}

// placeOf returns the path to the member of a key.
func placeOf(key string) string {
	if message.IsPlainKey(key) {
		return key
	}
	return "[" + string(rawjson.AppendQuoted(nil, []byte(key))) + "]"
}

// Error returns the path and the reason.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// Errors contains the problems with the settings of a scheme: at least one, at most 50.
type Errors []*Error

// Error returns the first problem and the number of others.
func (e Errors) Error() string {
	switch more := len(e) - 1; more {
	case 0:
		return e[0].Error()
	case 1:
		return e[0].Error() + " (and 1 more problem)"
	case maxErrors - 1:
		return fmt.Sprintf("%v (and at least %d more problems)", e[0], more)
	default:
		return fmt.Sprintf("%v (and %d more problems)", e[0], more)
	}
}

// Unwrap returns the individual errors.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i := range e {
		list[i] = e[i]
	}
	return list
}
