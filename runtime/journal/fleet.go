package journal

import (
	"context"
	"time"
)

// Machine is a process that has a journal open.
type Machine struct {
	Name     string
	Version  string    // of the product
	Self     bool      // it is this process
	LastSeen time.Time // when it last showed that it lives
	Claims   int       // the entries that are leased to it
}

// Sharing is implemented by journals that several processes can have open at a time. See SharingOf.
type Sharing interface {
	// Machines returns the processes that have the journal open, sorted by name. It may be that one
	// of them has died within its lease.
	Machines(ctx context.Context) ([]Machine, error)

	// Belong says which fleet this process belongs to. It returns ErrForeign, as every other call
	// does from then on, if the journal belongs to another one. While the journal is unavailable,
	// it is checked later.
	Belong(ctx context.Context, fleet string) error

	// CheckedDurability returns what an accepted execution survives as it was found last, without
	// waiting: other servers, on which it depends, come and go. Durability is what the
	// configuration wants.
	CheckedDurability() Durability
}

// SharingOf returns the Sharing of a journal, or of the one that its method Unwrap() Journal
// returns; nil if it has none.
func SharingOf(j Journal) Sharing { return find[Sharing](j) }

// find returns the first one of a journal, and of those that its methods Unwrap() Journal return,
// that has an interface; the zero value if none has.
func find[T any](j Journal) (none T) {
	for j != nil {
		if t, ok := j.(T); ok {
			return t
		}
		u, ok := j.(interface{ Unwrap() Journal })
		if !ok {
			break
		}
		j = u.Unwrap()
	}
	return none
}
