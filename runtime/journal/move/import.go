package move

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/flowtrux/edge/runtime/journal"
)

// Checked describes a file that is whole.
type Checked struct {
	Header
	State
	place string // of the last item
}

// Check reads all of a file and returns what it is. It has one item at a time in memory.
func Check(path string) (c Checked, err error) {
	err = read(path, func(r *reader) error {
		for {
			_, err := r.next()
			if errors.Is(err, io.EOF) {
				c = Checked{Header: r.header, State: State{r.counts, r.at}, place: r.place}
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
	return c, err
}

// read opens a file and reads its first line.
func read(path string, do func(*reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := newReader(f)
	if err = r.begin(); err == nil {
		err = do(r)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// MoveOf returns the move of a file, which need not be complete.
func MoveOf(path string) (move string, err error) {
	err = read(path, func(r *reader) error {
		move = r.header.Move
		return nil
	})
	return move, err
}

// Imported is the result of an Import.
type Imported struct {
	Checked
	Taken   journal.Progress // by this call and earlier ones
	Already bool             // earlier ones had taken all of it
}

// The bounds of what is imported in one write.
const (
	maxBatch      = 256
	maxBatchBytes = 1 << 20
)

// Import stores the content of a file in a journal that is open, or goes on with what an earlier
// call has stored. Nothing is stored of a file that is not whole.
func Import(ctx context.Context, j journal.Portable, path string, progress Progress) (i Imported, err error) {
	if i.Checked, err = Check(path); err != nil {
		return i, err
	}
	if i.Taken, err = j.Import(ctx, i.Move, nil); err != nil {
		return i, err
	}
	if i.Already = i.Taken.Place >= i.place; i.Already {
		return i, nil
	}
	err = read(path, func(r *reader) error {
		if r.header.Move != i.Move {
			return r.damaged("it was changed meanwhile")
		}
		b := &batch{journal: j, reader: r, imported: &i, progress: progress}
		for {
			item, err := r.next()
			if errors.Is(err, io.EOF) {
				return b.store(ctx)
			}
			if err == nil && b.full() {
				err = b.store(ctx)
			}
			if err != nil {
				return err
			}
			b.add(item)
		}
	})
	return i, err
}

// batch is what is imported in one write.
type batch struct {
	journal   journal.Portable
	reader    *reader
	imported  *Imported
	progress  Progress
	items     []journal.Item
	lines     []int // of the items
	bytes     int64
	before    int64 // bytes of the file before the last item
	documents map[*byte]bool
}

func (b *batch) full() bool { return len(b.items) >= maxBatch || b.bytes >= maxBatchBytes }

// add adds the item that was read last, unless the journal has taken it.
func (b *batch) add(i journal.Item) {
	bytes := b.reader.at - b.before // with the document before it
	b.before = b.reader.at
	if i.Place() <= b.imported.Taken.Place {
		return
	}
	b.bytes += bytes + b.document(&i)
	b.items = append(b.items, i)
	b.lines = append(b.lines, b.reader.lines)
}

// document returns the size of an item's document if no other item of the batch has it.
func (b *batch) document(i *journal.Item) int64 {
	e := entryOf(i)
	if e == nil || len(e.Document) == 0 || b.documents[&e.Document[0]] {
		return 0
	}
	if b.documents == nil {
		b.documents = make(map[*byte]bool)
	}
	b.documents[&e.Document[0]] = true
	return int64(len(e.Document))
}

// store stores the batch and empties it.
func (b *batch) store(ctx context.Context) error {
	if len(b.items) == 0 {
		return nil
	}
	taken, err := b.journal.Import(ctx, b.imported.Move, b.items)
	if taken.Place > b.imported.Taken.Place {
		b.imported.Taken = taken
	}
	if err != nil {
		for n := range b.items {
			if b.items[n].Place() > b.imported.Taken.Place {
				return fmt.Errorf("line %d, %s: %w", b.lines[n], describe(&b.items[n]), err)
			}
		}
		return err
	}
	clear(b.items)
	b.items, b.lines, b.bytes, b.documents = b.items[:0], b.lines[:0], 0, nil
	b.progress(State{b.reader.counts, b.reader.at})
	return nil
}

// describe names an item in an error.
func describe(i *journal.Item) string {
	switch {
	case i.Key != nil:
		return "an idempotency key of execution " + i.Key.ID
	case i.Record != nil:
		return "the record of execution " + i.Record.Record.ID
	default:
		return "execution " + i.Pending.ID
	}
}

// Discard deletes a file of a move, and what an Export that did not end has written of it. It
// reports whether there was any. Another kind of file is left as it is.
func Discard(path, move string) (found bool, err error) {
	for _, name := range []string{path, path + PartSuffix} {
		if _, err := os.Lstat(name); os.IsNotExist(err) {
			continue
		}
		other, err := MoveOf(name)
		if err != nil {
			return found, err
		}
		if other != move {
			return found, fmt.Errorf("%s: %w: it is of %s, and the journal was exported as %s", name, ErrOther, other, move)
		}
		if err := os.Remove(name); err != nil {
			return found, err
		}
		found = true
	}
	return found, nil
}
