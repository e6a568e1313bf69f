package store

import "errors"

// Errors of engines and mirrors. They are wrapped with more detail: use errors.Is. Each says that
// nothing was written.
var (
	// ErrClosed is what a store returns that is not open yet, or not any more.
	ErrClosed = errors.New("the store is not open")
	// ErrUnavailable says that the store cannot be reached at the moment.
	ErrUnavailable = errors.New("the store is not available")
	// ErrDenied says that the store refuses this user.
	ErrDenied = errors.New("the store denies access")
	// ErrTooLarge says that a write is larger than the store takes, or has more than MaxOps keys.
	ErrTooLarge = errors.New("the write is too large for the store")
	// ErrContended says that others changed a key each time before an Update had changed it.
	ErrContended = errors.New("the key is changed by too many at once")
	// ErrFull says that the store has no room left, or holds more than MaxContent.
	ErrFull = errors.New("the store is full")
)
