package signature

import "fmt"

// Error describes one problem with the settings of a scheme ([ParseScheme]) or with stored secrets
// ([ParseKeys], [FormatKeys], [Rotate]). It contains no part of a secret.
type Error struct {
	// JSON path below the value, such as "payload" or "secrets[1].expiresAt"; "" = the value itself
	Path   string
	Reason string // continues the path: "must be a string"
}

// Error returns the path and the reason.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// Errors contains all problems with the settings of a scheme, at least one.
type Errors []*Error

// Error returns the first problem and the number of others.
func (e Errors) Error() string {
	switch more := len(e) - 1; more {
	case 0:
		return e[0].Error()
	case 1:
		return e[0].Error() + " (and 1 more problem)"
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
