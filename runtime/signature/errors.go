package signature

import "fmt"

// Error reports what is wrong with the settings of a scheme ([ParseScheme]) or with stored secrets
// ([ParseKeys], [FormatKeys], [Rotate]). It holds no text of a secret.
type Error struct {
	// JSON path below the value, such as "payload" or "secrets[1].expiresAt"; "" = the value itself
	Path   string
	Reason string // reads on after the path: "must be a string"
}

// Error returns the path and the reason.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// Errors are all errors in the settings of a scheme, at least one.
type Errors []*Error

// Error returns the first error and how many more there are.
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

// Unwrap returns the errors one by one.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i := range e {
		list[i] = e[i]
	}
	return list
}
