package sandbox

import "fmt"

// Reset is how an instance becomes again what it was before a call.
type Reset int

// The ways. All have the same effect, at different costs.
const (
	ResetAuto Reset = iota // ResetShared where there is that, else ResetOwn
	// what was written to is copied back; instances share the pages of their image that they never
	// write to: Linux
	ResetShared
	ResetOwn   // the same, and each instance has all of its memory for itself
	ResetNever // it does not: each call gets an instance of its own
)

func (r Reset) String() string {
	if r < ResetAuto || r > ResetNever {
		return fmt.Sprintf("Reset(%d)", int(r))
	}
	return [...]string{"auto", "shared", "own", "never"}[r]
}

// shares tells whether instances share their image.
func (r Reset) shares() (bool, error) {
	switch {
	case r == ResetShared && !canShare, r < ResetAuto || r > ResetNever:
		return false, fmt.Errorf("this system cannot reset instances by %s", r)
	}
	return canShare && r != ResetOwn, nil
}
