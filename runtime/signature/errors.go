package signature

// Error says what is wrong with the settings of a scheme ([ParseScheme]) or with stored secrets
// ([ParseKeys], [FormatKeys], [Rotate]). It holds no text of a secret.
type Error struct {
	Path   string // JSON path below the value, such as "payload" or "secrets[1].expiresAt"; "" = the value itself
	Reason string // reads on after the path: "must be a string"
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}
