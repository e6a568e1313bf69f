// Package random provides random numbers that differ from call to call.
//
// The top-level functions of math/rand and math/rand/v2 do not: Go seeds them when a program
// starts, and every call of a node starts in that state, so that all calls would draw the same
// numbers. (crypto/rand works in a node as anywhere. Without the capability random, its bytes are
// derived from the call.)
package random

import (
	crand "crypto/rand"
	"math/rand/v2"
)

// New returns a generator with a new seed: real randomness with the capability random, else the
// stream of this call, which a replay repeats. Use it for one call, and not for secrets: those need
// crypto/rand itself.
func New() *rand.Rand {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	return rand.New(rand.NewChaCha8(seed))
}
