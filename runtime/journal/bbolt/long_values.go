package bbolt

import (
	"encoding/binary"
	"slices"
)

// values is a bucket whose long values are stored in pieces in a second one. bbolt stores a value
// that exceeds its page in consecutive pages, and rewrites all of a leaf when any of it changes.
// Values of a megabyte would leave gaps in the file that fit nothing else, and make a commit
// several times as large as its values.
//
// A long value is replaced by a reference: referenceMark, with which no value begins, the number in
// its pieces' keys, and its length. Files of an earlier version have long values whole.
type values struct{ short, long *lookup }

const (
	// longFrom is the length from which a value is stored in pieces.
	longFrom = 4 << 10
	// pieceBytes is the length of a piece: two of them, with their keys and headers, fill a page.
	pieceBytes = 2012
	pieceKey   = 8 + 4

	referenceMark = "\x00long\x00"
)

// reference takes the place of a long value.
type reference struct {
	seq    int64
	length int
}

// referenceIn decodes a reference; false means that v is the value itself.
func referenceIn(v []byte) (reference, bool, error) {
	if len(v) < len(referenceMark) || string(v[:len(referenceMark)]) != referenceMark {
		return reference{}, false, nil
	}
	r := reader{rest: v[len(referenceMark):]}
	ref := reference{seq: r.number(), length: r.count()}
	if r.err != nil || len(r.rest) > 0 {
		return reference{}, false, errDamaged
	}
	return ref, true, nil
}

func (r reference) bytes() []byte {
	return binary.AppendUvarint(binary.AppendVarint([]byte(referenceMark), r.seq), uint64(r.length))
}

// piece returns the key of a piece.
func (r reference) piece(n int) []byte {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, pieceKey), uint64(r.seq))
	return binary.BigEndian.AppendUint32(key, uint32(n))
}

// pieces returns the number of pieces.
func (r reference) pieces() int { return (r.length + pieceBytes - 1) / pieceBytes }

// put stores a value and replaces an earlier one.
func (s values) put(t *transaction, key, value []byte) {
	s.dropPieces(t, key)
	if len(value) < longFrom {
		t.put(s.short, key, value)
		return
	}
	r := reference{seq: t.nextSeq(), length: len(value)}
	n := 0
	for piece := range slices.Chunk(value, pieceBytes) {
		t.put(s.long, r.piece(n), piece)
		n++
	}
	t.put(s.short, key, r.bytes())
}

// del deletes a value, if it is there.
func (s values) del(t *transaction, key []byte) {
	s.dropPieces(t, key)
	t.del(s.short, key)
}

func (s values) dropPieces(t *transaction, key []byte) {
	r, long, err := referenceIn(s.short.Get(key))
	if err != nil {
		t.fail(err)
	}
	if !long {
		return
	}
	for n := range r.pieces() {
		t.del(s.long, r.piece(n))
	}
}

// whole returns the value that v stands for: v itself, or a new slice.
func (s values) whole(v []byte) ([]byte, error) {
	r, long, err := referenceIn(v)
	if !long || err != nil {
		return v, err
	}
	return s.read(r, 0)
}

// head returns the beginning of the value that v stands for: all of it, or its first piece.
func (s values) head(v []byte) ([]byte, error) {
	r, long, err := referenceIn(v)
	if !long || err != nil {
		return v, err
	}
	if s.long.open() == nil {
		return nil, errDamaged
	}
	p := s.long.Get(r.piece(0))
	if len(p) != min(pieceBytes, r.length) {
		return nil, errDamaged
	}
	return p, nil
}

// tail returns the end of the value that v stands for: all of it, or its last two pieces.
func (s values) tail(v []byte) ([]byte, error) {
	r, long, err := referenceIn(v)
	if !long || err != nil {
		return v, err
	}
	return s.read(r, max(r.pieces()-2, 0))
}

// read returns the value of a reference, from a piece on.
func (s values) read(r reference, from int) ([]byte, error) {
	if s.long.open() == nil {
		return nil, errDamaged
	}
	value := make([]byte, 0, r.length-from*pieceBytes)
	c := s.long.open().Cursor()
	k, p := c.Seek(r.piece(from))
	for n := from; n < r.pieces(); n++ {
		if string(k) != string(r.piece(n)) || len(p) != min(pieceBytes, r.length-n*pieceBytes) {
			return nil, errDamaged
		}
		value = append(value, p...)
		k, p = c.Next()
	}
	return value, nil
}

// lengthOf returns the length of the value that v stands for.
func lengthOf(v []byte) int {
	if r, long, err := referenceIn(v); long && err == nil {
		return r.length
	}
	return len(v)
}
