//go:build !unix

package bbolt

// syncDir does nothing: on this system a new name is durable when the call that creates it returns.
func syncDir(string) error { return nil }
