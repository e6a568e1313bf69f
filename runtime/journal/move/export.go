package move

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/internal/syncdir"
)

// PartSuffix is the end of the name of a file that is not complete.
const PartSuffix = ".part"

// Exported is the result of an Export.
type Exported struct {
	Header
	State
	Kept    int  // items that an earlier call had written
	Already bool // an earlier call had written all of the file
}

// Export writes the content of a journal to a file, or goes on with what an earlier call has
// written. from describes the journal for people. A file that is something else is left as it is. A
// journal in a database can be read by several at a time: another call with the same file fails
// with ErrBusy.
func Export(ctx context.Context, s journal.Sealed, path, from string, progress Progress) (Exported, error) {
	seal := s.Seal()
	x := &export{Exported: Exported{Header: Header{Version: Version, Move: seal.Move, At: seal.At, From: from}}, path: path}
	if done, err := x.finished(); done || err != nil {
		return x.Exported, err
	}
	if err := x.open(); err != nil {
		return x.Exported, err
	}
	err := x.run(ctx, s, progress)
	if err != nil {
		_ = x.out.Flush() // what was read need not be read again
	}
	if err := errors.Join(err, x.file.Close()); err != nil {
		return x.Exported, fmt.Errorf("%s: %w", x.part(), err)
	}
	return x.Exported, x.publish()
}

// export is the state of an Export.
type export struct {
	Exported
	path      string
	file      *os.File // the part
	out       *bufio.Writer
	sum       chain
	documents documents
	place     string // of the last item
	ended     bool   // the last line is written
}

func (x *export) part() string { return x.path + PartSuffix }

// finished reports whether an earlier call has written the file.
func (x *export) finished() (bool, error) {
	info, err := os.Lstat(x.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	checked, err := Check(x.path)
	switch {
	case err != nil:
		return false, fmt.Errorf("%w; it is left as it is: name another file", err)
	case checked.Move != x.Move:
		return false, fmt.Errorf("%s: %w, %s: name another file", x.path, ErrOther, checked.Move)
	}
	x.State, x.Already = checked.State, true
	// A crash after the last step but one leaves both names.
	if part, err := os.Lstat(x.part()); err == nil && os.SameFile(info, part) {
		return true, os.Remove(x.part())
	}
	return true, nil
}

// open opens the part, makes it if there is none, and cuts off what is not whole. Until the part is
// closed, nobody else writes it.
func (x *export) open() (err error) {
	if x.file, err = os.OpenFile(x.part(), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", x.part(), err), x.file.Close())
		}
	}()
	free, err := lock(x.file)
	if err != nil {
		return err
	}
	if !free {
		return ErrBusy
	}
	first, err := x.headerLine()
	if err != nil {
		return err
	}
	r := newReader(x.file)
	switch err := r.begin(); {
	case err == nil && r.header.Move != x.Move:
		return fmt.Errorf("%w, %s: remove it or name another file", ErrOther, r.header.Move)
	case err == nil:
		for err == nil {
			_, err = r.next()
		}
	default: // it may be the beginning of the first line
		begun := make([]byte, len(first)+1)
		n, _ := x.file.ReadAt(begun, 0)
		if !strings.HasPrefix(first, string(begun[:n])) {
			return fmt.Errorf("%w: remove it or name another file", err)
		}
	}
	x.sum, x.documents, x.place, x.ended = r.sum, r.documents, r.place, r.ended
	x.Counts, x.Bytes, x.Kept = r.counts, r.at, r.counts.All()
	if err := x.file.Truncate(r.at); err != nil {
		return err
	}
	if _, err := x.file.Seek(r.at, io.SeekStart); err != nil {
		return err
	}
	x.out = bufio.NewWriterSize(x.file, 256<<10)
	if r.lines == 0 {
		return x.write(line{Export: &x.Header})
	}
	return nil
}

// headerLine returns the first line of the file.
func (x *export) headerLine() (string, error) {
	object, err := json.Marshal(line{Export: &x.Header})
	if err != nil {
		return "", err
	}
	return chain{}.next(object).String() + " " + string(object) + "\n", nil
}

// run writes what is missing, and makes it durable.
func (x *export) run(ctx context.Context, s journal.Sealed, progress Progress) error {
	for !x.ended {
		items, err := s.Read(ctx, x.place)
		if err != nil {
			return err
		}
		for n := range items {
			if err := x.item(&items[n]); err != nil {
				return err
			}
		}
		if len(items) == 0 {
			if err := x.write(line{End: &x.Counts}); err != nil {
				return err
			}
			x.ended = true
		}
		progress(x.State)
	}
	if err := x.out.Flush(); err != nil {
		return err
	}
	return x.file.Sync()
}

// item writes an item, and before it the document that it needs.
func (x *export) item(i *journal.Item) error {
	l, err := lineOf(i)
	if err != nil {
		return err
	}
	place := i.Place()
	if place <= x.place {
		return fmt.Errorf("the journal reads %s after %s", place, x.place)
	}
	if e, source := entryOf(i), l.entryLine(); e != nil {
		if _, known := x.documents.get(source.Document); !known {
			x.documents.add(e.Document)
			if err := x.write(line{Document: &documentLine{Text: notNil(e.Document)}}); err != nil {
				return err
			}
		}
	}
	if err := x.write(l); err != nil {
		return err
	}
	x.place = place
	x.Counts.add(i)
	return nil
}

func (x *export) write(l line) error {
	object, err := json.Marshal(l)
	if err != nil {
		return err
	}
	x.sum = x.sum.next(object)
	for _, part := range []string{x.sum.String(), " ", string(object), "\n"} {
		n, err := x.out.WriteString(part)
		x.Bytes += int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

// publish gives the part its final name. A file that somebody has made meanwhile is not replaced.
func (x *export) publish() error {
	err := os.Link(x.part(), x.path)
	switch {
	case err == nil:
		err = os.Remove(x.part())
	case !errors.Is(err, fs.ErrExist):
		err = os.Rename(x.part(), x.path) // there are no links on this disk
	}
	if err != nil {
		return err
	}
	return syncdir.Sync(filepath.Dir(x.path))
}
