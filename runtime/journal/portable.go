package journal

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"
)

// Portable is implemented by journals whose content can be moved into a journal of another engine.
//
// A move begins with the seal of its source. From then on the source neither runs nor changes
// anything, so that its content can be read as often as needed, and each time is the same. The
// target remembers by the name of the move how far it has come, and takes nothing of a move twice,
// even if it has ended meanwhile. So reading and importing can be repeated after a crash at any
// moment. The source is left as it is: whoever has seen that the move is complete deletes it.
//
// Statistics (see Counting) are not moved.
type Portable interface {
	Journal

	// Seal opens the journal as the source of a move, in place of Open. Before that it ends what
	// ended with the last process, as Open does. If it is not sealed yet, it is sealed durably with
	// s. From then on Open fails with ErrSealed, in later processes as well. The zero Seal seals
	// nothing, and fails with ErrNotSealed if the journal is not sealed.
	//
	// Seal creates no journal. It fails with ErrInUse while a process works on it.
	Seal(ctx context.Context, s Seal) (Sealed, error)

	// Import stores items of a move in one write: all of them, or those before an item that the
	// error is about. They come in the order of their places. What the journal has taken of the
	// move before is skipped. The journal must be open; others may work on it.
	//
	// Pending executions keep their steps and deaths. They are claimed after those that the journal
	// has already. What the journal holds in the same place is not replaced: an execution of the
	// same id, and a key that is in use. ErrFull means that an item does not fit in, and
	// ErrTooManyMoves that no further move does.
	//
	// Without items it returns how far the move has come.
	Import(ctx context.Context, move string, items []Item) (Progress, error)
}

// Seal marks a journal as the source of a move.
type Seal struct {
	Move string    `json:"move"` // the name of the move, of which there is no other one
	At   time.Time `json:"at"`
}

// MaxMoves is how many moves a journal can have taken part of.
const MaxMoves = 1000

// Sealed is a sealed journal. It is safe for concurrent use.
type Sealed interface {
	// Seal returns what the journal was sealed with.
	Seal() Seal

	// Read returns the next items in the order of their places, which follow a place; "" = from the
	// first one. They are of a bounded size, unless one item alone is larger. None means that there
	// are no more.
	//
	// Executions and keys whose time is over are left out. A record that is damaged is read as Get
	// reads it.
	Read(ctx context.Context, after string) ([]Item, error)

	// Unseal makes the journal usable again, as if it had not been sealed. The caller knows that
	// nothing of it was imported: whatever was would run twice.
	Unseal(ctx context.Context) error

	// Close releases the journal. It stays sealed.
	Close() error
}

// Item is what is moved as a whole: one of its fields is set.
type Item struct {
	Key     *MovedKey
	Record  *Ended
	Pending *Entry // with Steps and Deaths, without Key
}

// MovedKey is an idempotency key with its response. Keys whose execution still runs are not moved:
// a sender waits for it, and is told to repeat the request.
type MovedKey struct {
	Name     [sha256.Size]byte // see KeyName
	Workflow string            // "" = not known
	ID       string            // of the execution
	Digest   [sha256.Size]byte // see Key
	Until    time.Time
	Response []byte // empty = it was evicted
}

// KeyName returns what journals store in place of the text of an idempotency key. A workflow's id
// has no zero byte.
func KeyName(workflow, text string) [sha256.Size]byte {
	return sha256.Sum256([]byte(workflow + "\x00" + text))
}

// The kinds of items, in the order in which they are moved: before an execution runs, its key and
// those of others are known, and what it makes room for is there.
const (
	keyPlace     = "1"
	recordPlace  = "2"
	pendingPlace = "3"
)

// Place returns where an item is among all of a journal: a text that sorts as they are moved. Keys
// come first, by the time they expire; then records and then pending entries, both by id.
func (i *Item) Place() string {
	switch {
	case i.Key != nil:
		return fmt.Sprintf("%s%016x%x", keyPlace, uint64(i.Key.Until.UnixNano()), i.Key.Name)
	case i.Record != nil:
		return recordPlace + i.Record.Record.ID
	default:
		return pendingPlace + i.Pending.ID
	}
}

// Progress is how far a journal has come with a move.
type Progress struct {
	Place   string `json:"place"` // of the last item that was taken; "" = none was
	Keys    Taken  `json:"keys"`
	Records Taken  `json:"records"`
	Pending Taken  `json:"pending"`
}

// Of returns what was taken of the kind of an item.
func (p *Progress) Of(i *Item) *Taken {
	switch {
	case i.Key != nil:
		return &p.Keys
	case i.Record != nil:
		return &p.Records
	default:
		return &p.Pending
	}
}

// Taken counts items of a kind.
type Taken struct {
	Stored  int `json:"stored"`
	Present int `json:"present"` // the journal had them, or a key of the same name, already
	Expired int `json:"expired"` // their time is over
}
