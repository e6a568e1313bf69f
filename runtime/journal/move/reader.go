package move

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/flowtrux/edge/runtime/journal"
)

// maxHeader is the most bytes of the first line. A file that is something else is not read beyond
// them.
const maxHeader = 16 << 10

// reader reads the lines of a file and checks them.
type reader struct {
	in        *bufio.Reader
	sum       chain
	lines     int   // that are whole
	at        int64 // their bytes
	header    Header
	documents documents
	place     string // of the last item
	counts    Counts
	ended     bool // the last line was read
}

func newReader(in io.Reader) *reader { return &reader{in: bufio.NewReaderSize(in, 64<<10)} }

// begin reads the first line, whose form is the same in all versions.
func (r *reader) begin() error {
	text, err := r.readLine(maxHeader)
	if errors.Is(err, ErrDamaged) || errors.Is(err, ErrIncomplete) && !bytes.Contains(text, []byte(` {"export":`)) {
		return ErrNotExport
	}
	if err != nil {
		return err
	}
	sum, object, ok := bytes.Cut(text, []byte(" "))
	if _, err := hex.DecodeString(string(sum)); !ok || err != nil || len(sum) != 2*sumBytes || !bytes.HasPrefix(object, []byte(`{"export":`)) {
		return ErrNotExport
	}
	var l line
	next, err := r.decode(text, &l)
	switch {
	case err != nil:
		return err
	case l.Export.Version > Version:
		return fmt.Errorf("%w: it has version %d, and this program reads up to %d; use the program that wrote it, or a newer one",
			ErrNewer, l.Export.Version, Version)
	case l.Export.Version < 1 || l.Export.Move == "":
		return r.damaged("it names no version or no move")
	}
	r.header = *l.Export
	r.advance(text, next)
	return nil
}

// next returns the next item; io.EOF after the last line.
func (r *reader) next() (item journal.Item, err error) {
	for !r.ended {
		text, err := r.readLine(0)
		if err != nil {
			return item, err
		}
		item, isItem, err := r.take(text)
		if isItem || err != nil {
			return item, err
		}
	}
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		return item, r.damaged("something follows its last line")
	}
	return item, io.EOF
}

// take takes a line. After an error nothing of it was taken.
func (r *reader) take(text []byte) (item journal.Item, isItem bool, err error) {
	var l line
	next, err := r.decode(text, &l)
	if err != nil {
		return item, false, err
	}
	switch {
	case l.Document != nil:
		r.documents.add(l.Document.Text)
	case l.End != nil:
		if *l.End != r.counts {
			return item, false, r.damaged(fmt.Sprintf("it counts %+v, and there are %+v", *l.End, r.counts))
		}
		r.ended = true
	default:
		item, why := l.item(&r.documents)
		if why != nil {
			return item, false, r.damaged(why.Error())
		}
		place := item.Place()
		if place <= r.place {
			return item, false, r.damaged("it is not in order")
		}
		r.place = place
		r.counts.add(&item)
		r.advance(text, next)
		return item, true, nil
	}
	r.advance(text, next)
	return item, false, nil
}

// readLine reads a line; most is the most bytes of it, 0 = as many as the file has. With
// ErrIncomplete it returns what there is.
func (r *reader) readLine(most int) (text []byte, err error) {
	for {
		part, err := r.in.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case err == nil:
			return text[:len(text)-1], nil
		case errors.Is(err, io.EOF):
			return text, fmt.Errorf("%w: it ends in line %d, after byte %d", ErrIncomplete, r.lines+1, r.at+int64(len(text)))
		case !errors.Is(err, bufio.ErrBufferFull):
			return text, err
		case most > 0 && len(text) > most:
			return text, r.damaged("it is too long")
		}
	}
}

// decode checks a line and decodes it. It returns the checksum of the line.
func (r *reader) decode(text []byte, l *line) (chain, error) {
	sum, object, _ := bytes.Cut(text, []byte(" "))
	want := r.sum.next(object)
	if string(sum) != want.String() {
		return want, r.damaged("its checksum does not match")
	}
	if err := json.Unmarshal(object, l); err != nil {
		return want, r.damaged(err.Error())
	}
	return want, nil
}

// advance moves behind a line.
func (r *reader) advance(text []byte, sum chain) {
	r.sum = sum
	r.lines++
	r.at += int64(len(text)) + 1
}

// damaged returns the error of the line after those that are whole.
func (r *reader) damaged(why string) error {
	return fmt.Errorf("%w: line %d, from byte %d on: %s", ErrDamaged, r.lines+1, r.at, why)
}
