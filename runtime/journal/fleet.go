package journal

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Machine is a process that has a journal open.
type Machine struct {
	Name     string
	Version  string    // of the product
	Self     bool      // it is this process
	LastSeen time.Time // when it last showed that it lives
	Claims   int       // the entries that are leased to it
	// Config has what Sharing.Describe was told there; nil = nothing yet.
	Config map[string]string
}

// Sharing is implemented by journals that several processes can have open at a time. See SharingOf.
type Sharing interface {
	// Machines returns the processes that have the journal open, sorted by name. It may be that one
	// of them has died within its lease.
	Machines(ctx context.Context) ([]Machine, error)

	// Belong says which fleet this process belongs to. It returns ErrOtherFleet, as every other
	// call does from then on, if the journal belongs to another one. While the journal is
	// unavailable, it is checked later. Open and Seal check what was said before them.
	Belong(ctx context.Context, fleet string) error

	// Describe says what the configuration of this process consists of, for those who look at the
	// machines: parts by their names. It does not wait. The parts must hold no secrets.
	Describe(parts map[string]string)

	// CheckedDurability returns what an accepted execution survives as it was found last, without
	// waiting: other servers, on which it depends, come and go. Durability is what the
	// configuration wants.
	CheckedDurability() Durability

	// TakenOver returns how many other processes this one has taken for dead since it began.
	TakenOver() uint64

	// Now returns the time of a clock that all processes share, without waiting: new ids have it.
	// Until it is known, it is that of this machine.
	Now() time.Time

	// Warnings returns what an operator should look at, as it was found last, without waiting.
	Warnings() []string
}

// Leaver is implemented by leases of journals that several machines share. See LeaverOf.
type Leaver interface {
	// Leave ends the lease of an entry that this machine cannot run, and leaves it to the others:
	// this is no death, and this machine does not claim entries of the same document for a while,
	// or until it is configured anew. If no machine that shares the journal can run it and a good
	// part of the retention is over, it returns ErrNobody, and the lease still holds.
	Leave(ctx context.Context) error
}

// LeaverOf returns the Leaver of a lease, or of the one that its method Unwrap() Lease returns; nil
// if it has none.
func LeaverOf(l Lease) Leaver {
	if u, ok := l.(interface{ Unwrap() Lease }); ok {
		l = u.Unwrap()
	}
	leaver, _ := l.(Leaver)
	return leaver
}

// Retiring is implemented by journals that claim entries for this process before it asks for them.
// See RetiringOf.
type Retiring interface {
	// Retire says that this process claims nothing any more, while it may go on accepting: what it
	// accepts, and what was claimed for it and not handed out, is for the others. It does not wait.
	Retire()
}

// Owned is implemented by journals that belong to a fleet, see Sharing.Belong, and can be given to
// another one.
type Owned interface {
	// TakeOver gives the journal, which need not be open, to a fleet. While machines use it for the
	// fleet before, it returns a UsedError, or with inUse it ends them: what they work on is free
	// for others, and they get ErrOtherFleet. It does nothing if the journal belongs to the fleet
	// already.
	TakeOver(ctx context.Context, fleet string, inUse bool) (Takeover, error)
}

// Takeover is what TakeOver has done.
type Takeover struct {
	Before   string   // the fleet to which the journal has belonged; "" = none
	Machines []string // the names of those that used it, and were ended
}

// UsedError means that machines use the journal for another fleet. It wraps ErrInUse.
type UsedError struct {
	Fleet    string   // "" = none
	Machines []string // their names, sorted
}

func (e *UsedError) Error() string {
	names := strings.Join(e.Machines[:min(len(e.Machines), maxNames)], ", ")
	if more := len(e.Machines) - maxNames; more > 0 {
		names = fmt.Sprintf("%s and %d more", names, more)
	}
	if e.Fleet == "" {
		return fmt.Sprintf("%v: by %s", ErrInUse, names)
	}
	return fmt.Sprintf("%v: by %s, for the fleet of %s", ErrInUse, names, e.Fleet)
}

func (e *UsedError) Unwrap() error { return ErrInUse }

// maxNames is the most machines that an error names.
const maxNames = 10

// SharingOf returns the Sharing of a journal, or of the one that its method Unwrap() Journal
// returns; nil if it has none.
func SharingOf(j Journal) Sharing { return find[Sharing](j) }

// RetiringOf returns the Retiring of a journal, or of the one that its method Unwrap() Journal
// returns; nil if it has none.
func RetiringOf(j Journal) Retiring { return find[Retiring](j) }

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
