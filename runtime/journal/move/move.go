// Package move moves the content of a journal into a journal of another engine, by a file. Both
// must be journal.Portable.
//
// # The file
//
// A file has a line for each item. A line is a checksum, a space and a JSON object with one member,
// which says what it is:
//
//	export     the first line: version, the move, and from where it comes
//	document   a workflow's document, before the first item that needs it
//	key        an idempotency key
//	record     the record of an ended execution, and what it can be rerun from
//	pending    an execution that has not ended, with its steps
//	end        the last line: how many items there are
//
// The checksum is the beginning of the SHA-256 of the checksum before and the object. So a line
// that is changed, missing, doubled or in another place is found, and so is a file that ends early.
// Items are in the order of their places, see journal.Item.
//
// Documents are shared: an item names its document by the digest. Writer and reader remember the
// same last documents, so that neither holds all of them. One item at a time is in memory.
//
// The file has what the journal stores: events, outputs and responses, for the eyes of their owner
// only. It is made with mode 0600.
//
// # Exactly once
//
// Export writes into a file of another name, which becomes the file when it is complete and on
// disk. When it is called again after a crash, it keeps the lines that are whole and goes on after
// them: the journal was sealed before the first one, and reads the same each time. Import reads the
// whole file before it stores anything. The target stores items together with how far it has come,
// and skips what it has taken.
package move

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// Version is the version of files that this package writes and reads.
const Version = 1

// Errors of files.
var (
	// ErrNotExport means that the file is something else.
	ErrNotExport = errors.New("not an export of a journal")
	// ErrNewer means that the file was written by a newer program.
	ErrNewer = errors.New("export of a newer version")
	// ErrDamaged means that the file was changed.
	ErrDamaged = errors.New("export is damaged")
	// ErrIncomplete means that the file ends before its export did.
	ErrIncomplete = errors.New("export is not complete")
	// ErrOther means that the file belongs to another move.
	ErrOther = errors.New("export of another move")
	// ErrBusy means that another export writes the file.
	ErrBusy = errors.New("another export writes this file: wait for its end, or name another file")
)

// Header is the first line of a file.
type Header struct {
	Version int       `json:"version"`
	Move    string    `json:"move"`
	At      time.Time `json:"at"`   // when the journal was sealed
	From    string    `json:"from"` // the journal, for people
}

// Counts are the items of a file.
type Counts struct {
	Keys    int `json:"keys"`
	Records int `json:"records"`
	Pending int `json:"pending"`
}

// All returns the number of all items.
func (c Counts) All() int { return c.Keys + c.Records + c.Pending }

func (c *Counts) add(i *journal.Item) {
	switch {
	case i.Key != nil:
		c.Keys++
	case i.Record != nil:
		c.Records++
	default:
		c.Pending++
	}
}

// State is how far an export or import has come.
type State struct {
	Counts
	Bytes int64 // of the file
}

// Progress is called now and then, with how far the work has come.
type Progress func(State)

// chain computes the checksums of lines.
type chain [sumBytes]byte

const sumBytes = 16

// next returns the checksum of a line after the one of c.
func (c chain) next(object []byte) (sum chain) {
	h := sha256.New()
	h.Write(c[:])
	h.Write(object)
	copy(sum[:], h.Sum(nil))
	return sum
}

func (c chain) String() string { return hex.EncodeToString(c[:]) }
