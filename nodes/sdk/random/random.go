// Package random gives a node random numbers that differ from call to call.
//
// The functions of math/rand and math/rand/v2 that need no generator do not: Go seeds theirs when a program starts, and every
// call of a node begins where the start has ended, so that each would draw the same numbers. (crypto/rand is as good in a node as
// anywhere; what it gives follows from the call unless the capability random is granted.)
package random

import (
	crand "crypto/rand"
	"math/rand/v2"
)

// New returns a generator that is seeded anew: by the real randomness with the capability random, else by the stream of this call,
// which a replay of the call repeats. It is for one call, and not for secrets: those come from crypto/rand itself.
func New() *rand.Rand {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	return rand.New(rand.NewChaCha8(seed))
}
