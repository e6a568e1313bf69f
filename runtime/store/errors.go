package store

import "errors"

// Errors of engines and mirrors. They are wrapped with more detail: use errors.Is. With each of
// them, nothing was written.
var (
	// ErrClosed means that the store is not open yet, or no longer.
	ErrClosed = errors.New("the store is not open")
	// ErrUnavailable means that the store cannot be reached at the moment.
	ErrUnavailable = errors.New("the store is not available")
	// ErrDenied means that the store denies access to this user.
	ErrDenied = errors.New("the store denies access")
	// ErrTooLarge means that a write is larger than the store accepts, or has more than MaxOps
	// keys.
	ErrTooLarge = errors.New("the write is too large for the store")
	// ErrContended means that an Update failed because others changed the key before each of its
	// tries.
	ErrContended = errors.New("the key is changed by too many at once")
	// ErrFull means that the store has no room left, or holds more than MaxContent.
	ErrFull = errors.New("the store is full")
)
