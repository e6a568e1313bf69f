package bbolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"github.com/flowtrux/edge/runtime/journal"
)

// The parts of bbolt's pages that are read here, in the byte order of the machine. bbolt does not
// export their types.
//
//	page     id 8, flags 2, count 2, overflow 4, then its elements
//	branch   position 4, key size 4, page 8: an element; its key begins at position from the element
//	leaf     flags 4, position 4, key size 4, value size 4
//	bucket   root 8, sequence 8: a leaf's value; with root 0 a page follows in the value itself
//	meta     magic 4, version 4, page size 4, flags 4, root 8, sequence 8, freelist 8, pages 8,
//	         transaction 8, checksum 8
const (
	pageHeader    = 16
	elementHeader = 16
	bucketHeader  = 16
	metaSize      = 64
	metaMagic     = 0xED0CDAED
	noFreelist    = ^uint64(0)

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10
	flagBucket   = 0x01 // of a leaf's element
)

var word = binary.NativeEndian

// meta is the content of a meta page.
type meta struct {
	pageSize                           int64
	root, freelist, pages, transaction uint64
}

// readMeta reads the meta page at an offset; false if there is none.
func readMeta(f io.ReaderAt, at int64) (m meta, ok bool) {
	var b [metaSize]byte
	if _, err := f.ReadAt(b[:], at+pageHeader); err != nil {
		return m, false
	}
	sum := fnv.New64a()
	sum.Write(b[:metaSize-8])
	if word.Uint32(b[:]) != metaMagic || word.Uint64(b[56:]) != sum.Sum64() {
		return m, false
	}
	return meta{
		pageSize: int64(word.Uint32(b[8:])), root: word.Uint64(b[16:]),
		freelist: word.Uint64(b[32:]), pages: word.Uint64(b[40:]), transaction: word.Uint64(b[48:]),
	}, true
}

// newestMeta returns the newer of the two meta pages of a file that are intact. The second one is
// one page after the first, whatever the page size was on the machine that created the file.
func newestMeta(f io.ReaderAt) (m meta, ok bool) {
	first, ok := readMeta(f, 0)
	if ok {
		if second, ok := readMeta(f, first.pageSize); ok && second.transaction > first.transaction {
			return second, true
		}
		return first, true
	}
	for size := int64(1 << 10); size <= 1<<16; size <<= 1 {
		if m, ok := readMeta(f, size); ok && m.pageSize == size {
			return m, true
		}
	}
	return m, false
}

// metaOf returns the newest meta page of a file, and checks that the file is as long as it says.
func metaOf(path string) (m meta, err error) {
	f, err := os.Open(path)
	if err != nil {
		return m, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return m, err
	}
	m, ok := newestMeta(f)
	switch {
	case !ok:
		return m, fmt.Errorf("%w: its beginning is not that of a journal", journal.ErrForeign)
	case m.pageSize < 1<<10 || m.pageSize > 1<<16 || m.pages > uint64(info.Size()/m.pageSize):
		return m, fmt.Errorf("%w: it has %d bytes and should have %d pages of %d",
			journal.ErrForeign, info.Size(), m.pages, m.pageSize)
	}
	return m, nil
}

// verifyPages checks that everything a file refers to is there: that its pages form trees whose
// keys are in order, that elements lie within their pages, and that no page is used twice. It reads
// no values except buckets. It reads each page once, so that its time is bounded by the length of
// the file.
func verifyPages(path string) error {
	m, err := metaOf(path)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	c := &checker{file: f, meta: m, used: make([]uint64, m.pages/64+1)}
	if err := c.tree(m.root, nil, nil, 0); err != nil {
		return err
	}
	if m.freelist == noFreelist {
		return nil
	}
	return c.freelist()
}

// checker verifies one file.
type checker struct {
	file io.ReaderAt
	meta
	used    []uint64 // a bit for each page
	buffers [maxDepth][]byte
}

const (
	// maxDepth is more than the depth of the trees of any file: a node has at least two children.
	maxDepth = 48
	// readAhead is how much of a page is read at once; of the rest, only the parts that are needed.
	readAhead = 64 << 10
)

func damaged(page uint64, format string, args ...any) error {
	return fmt.Errorf("%w: page %d "+format, append([]any{journal.ErrForeign, page}, args...)...)
}

// markUsed marks pages as used.
func (c *checker) markUsed(id, overflow uint64) error {
	if id < 2 || id >= c.pages || overflow >= c.pages-id {
		return damaged(id, "is outside of the file")
	}
	for n := id; n <= id+overflow; n++ {
		if c.used[n/64]&(1<<(n%64)) != 0 {
			return damaged(n, "is used twice")
		}
		c.used[n/64] |= 1 << (n % 64)
	}
	return nil
}

// node is a page with its overflow pages.
type node struct {
	checker *checker
	id      uint64
	at      int64 // in the file
	size    int64
	flags   uint16
	count   int64
	read    []byte // its beginning
}

// open reads the beginning of a page.
func (c *checker) open(id uint64, depth int) (*node, error) {
	if depth >= maxDepth {
		return nil, damaged(id, "is too deep")
	}
	if id < 2 || id >= c.pages {
		return nil, damaged(id, "is outside of the file")
	}
	n := &node{checker: c, id: id, at: int64(id) * c.pageSize, size: c.pageSize}
	if c.buffers[depth] == nil {
		c.buffers[depth] = make([]byte, readAhead)
	}
	n.read = c.buffers[depth][:c.pageSize]
	if _, err := c.file.ReadAt(n.read, n.at); err != nil {
		return nil, c.unreadable(id, err)
	}
	n.flags, n.count = word.Uint16(n.read[8:]), int64(word.Uint16(n.read[10:]))
	overflow := uint64(word.Uint32(n.read[12:]))
	if got := word.Uint64(n.read); got != id {
		return nil, damaged(id, "says that it is page %d", got)
	}
	if err := c.markUsed(id, overflow); err != nil {
		return nil, err
	}
	n.size += int64(overflow) * c.pageSize
	if more := min(n.size, readAhead); more > c.pageSize {
		n.read = c.buffers[depth][:more]
		if _, err := c.file.ReadAt(n.read[c.pageSize:], n.at+c.pageSize); err != nil {
			return nil, c.unreadable(id, err)
		}
	}
	return n, nil
}

// unreadable returns the error for a page that cannot be read: the disk's, or that the file is
// shorter than it says.
func (c *checker) unreadable(id uint64, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged(id, "is outside of the file")
	}
	return damaged(id, "cannot be read: %w", err)
}

// bytes reads a part of a node, which lies within it.
func (n *node) bytes(at, size int64) ([]byte, error) {
	if at+size <= int64(len(n.read)) {
		return n.read[at : at+size], nil
	}
	b := make([]byte, size)
	if _, err := n.checker.file.ReadAt(b, n.at+at); err != nil {
		return nil, n.checker.unreadable(n.id, err)
	}
	return b, nil
}

// element is an element of a node.
type element struct {
	bucket    bool
	key       []byte
	child     uint64 // of a branch
	value     int64  // of a leaf: where it is
	valueSize int64
}

// element reads an element. Its key is a slice of the bytes that were read.
func (n *node) element(i int64) (e element, err error) {
	at := pageHeader + i*elementHeader
	h, err := n.bytes(at, elementHeader)
	if err != nil {
		return e, err
	}
	var position, keySize int64
	if n.flags == flagBranch {
		position, keySize = int64(word.Uint32(h)), int64(word.Uint32(h[4:]))
		e.child = word.Uint64(h[8:])
	} else {
		flags := word.Uint32(h)
		if flags&^flagBucket != 0 {
			return e, damaged(n.id, "has an element of an unknown kind")
		}
		e.bucket = flags == flagBucket
		position, keySize = int64(word.Uint32(h[4:])), int64(word.Uint32(h[8:]))
		e.valueSize = int64(word.Uint32(h[12:]))
	}
	key := at + position
	if key < pageHeader+n.count*elementHeader || key+keySize+e.valueSize > n.size {
		return e, damaged(n.id, "has an element that is not within it")
	}
	e.value = key + keySize
	e.key, err = n.bytes(key, keySize)
	return e, err
}

// tree checks a page and those below it. Their keys are at least low and less than high; nil = any.
func (c *checker) tree(id uint64, low, high []byte, depth int) error {
	n, err := c.open(id, depth)
	if err != nil {
		return err
	}
	if n.flags != flagBranch && n.flags != flagLeaf {
		return damaged(id, "is of an unknown kind")
	}
	return n.elements(low, high, depth)
}

// elements checks the elements of a node.
func (n *node) elements(low, high []byte, depth int) error {
	if pageHeader+n.count*elementHeader > n.size || n.flags == flagBranch && n.count == 0 {
		return damaged(n.id, "cannot have %d elements", n.count)
	}
	var before element
	for i := range n.count {
		e, err := n.element(i)
		switch {
		case err != nil:
			return err
		case len(e.key) == 0 && n.flags == flagLeaf:
			return damaged(n.id, "has an element without a key")
		case i == 0 && low != nil && bytes.Compare(e.key, low) < 0,
			i > 0 && bytes.Compare(e.key, before.key) <= 0,
			high != nil && bytes.Compare(e.key, high) >= 0:
			return damaged(n.id, "has keys that are not in order")
		}
		switch {
		case n.flags == flagBranch && i > 0:
			err = n.checker.tree(before.child, before.key, e.key, depth+1)
		case n.flags == flagLeaf && e.bucket:
			err = n.bucket(e, depth)
		}
		if err != nil {
			return err
		}
		before = e
	}
	if n.flags == flagBranch {
		return n.checker.tree(before.child, before.key, high, depth+1)
	}
	return nil
}

// bucket checks a bucket in a leaf.
func (n *node) bucket(e element, depth int) error {
	if e.valueSize < bucketHeader {
		return damaged(n.id, "has a bucket that is none")
	}
	b, err := n.bytes(e.value, e.valueSize)
	if err != nil {
		return err
	}
	if root := word.Uint64(b); root != 0 {
		return n.checker.tree(root, nil, nil, depth+1)
	}
	page := b[bucketHeader:]
	if len(page) < pageHeader || word.Uint16(page[8:]) != flagLeaf {
		return damaged(n.id, "has a bucket that is none")
	}
	inline := &node{
		checker: n.checker, id: n.id, size: int64(len(page)), flags: flagLeaf,
		count: int64(word.Uint16(page[10:])), read: page,
	}
	for i := range inline.count {
		if pageHeader+inline.count*elementHeader > inline.size {
			break // elements reports it
		}
		if e, err := inline.element(i); err != nil || e.bucket {
			return damaged(n.id, "has a bucket that is none")
		}
	}
	return inline.elements(nil, nil, depth)
}

// freelist checks the list of free pages. Journals have none unless another program has written it.
func (c *checker) freelist() error {
	n, err := c.open(c.meta.freelist, 0)
	if err != nil {
		return err
	}
	at, count := int64(pageHeader), n.count
	if count == 0xFFFF {
		b, err := n.bytes(at, min(8, n.size-at))
		if err != nil {
			return err
		}
		at, count = at+8, int64(word.Uint64(b))
	}
	if n.flags != flagFreelist || count < 0 || count > (n.size-at)/8 {
		return damaged(n.id, "is no list of free pages")
	}
	for i := range count {
		b, err := n.bytes(at+8*i, 8)
		if err != nil {
			return err
		}
		if err := c.markUsed(word.Uint64(b), 0); err != nil {
			return err
		}
	}
	return nil
}
