package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net"
	"net/http"
	"sync"
	"time"
)

// The errors of bodies.read. Those that it returns wrap one of these and tell the limit.
var (
	errBodyTooLarge = errors.New("the body is longer than limits.body")
	errBodyTimeout  = errors.New("the body took longer than limits.body_timeout")
	errBodyMemory   = errors.New("no room for the body in limits.body_memory")
)

// Buffers of bodies are powers of two, in bytes. Those up to pooledBuffer are reused. Larger ones
// are made for one body.
const (
	firstBuffer  = 4 * kib
	pooledBuffer = 64 * kib
)

// bodies reads the bodies of requests within limits. Only bytes that arrived count, and a buffer is
// at most twice as large, or firstBuffer: a length that a sender only declares costs nothing. It is
// safe for concurrent use.
type bodies struct {
	limit   int64 // of one body, in bytes
	timeout time.Duration
	memory  shares // of all bodies together, in bytes

	buffers [5]sync.Pool // of *[]byte, by size
}

// newBodies makes the reader of bodies. The share of a client address has room for any one body.
func newBodies(l *Limits) *bodies {
	return &bodies{
		limit:   l.Body,
		timeout: time.Duration(l.BodyTimeout),
		memory:  shares{limit: l.BodyMemory, share: max(l.BodyMemory/4, l.Body)},
	}
}

// body is a request's body. Its zero value was not read. Its bytes are valid until discard, and
// count until release.
type body struct {
	owner  *bodies // nil = it was not read
	data   []byte  // what was read; the capacity is the buffer's
	pooled *[]byte // the buffer, if it is to be used again
	held   int64   // what is accounted for, in bytes
	from   peer
	whole  bool    // it was read to its end
	probe  [1]byte // tells a full buffer at the end of the body from one with more to come
}

// begun reports whether the body was read, even if that failed.
func (b *body) begun() bool { return b.owner != nil }

// read reads the whole body of a request from a client address into b, whether its length was
// declared or not. The error wraps one of the above or the connection's; b then holds nothing, and
// is not whole.
func (s *bodies) read(b *body, w http.ResponseWriter, r *http.Request, client string) error {
	b.owner = s
	if r.ContentLength > s.limit {
		return b.tooLarge()
	}
	if err := b.fill(w, r, client); err != nil {
		b.release()
		return err
	}
	b.whole = true
	return nil
}

func (b *body) fill(w http.ResponseWriter, r *http.Request, client string) error {
	if r.Body == nil || r.ContentLength == 0 {
		return nil
	}
	b.from = peerOf(client)

	// Connections without a deadline of their own have the time checked between reads.
	deadline := time.Now().Add(b.owner.timeout)
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(deadline)
	if err := b.readAll(r.Body, r.ContentLength, deadline); err != nil {
		// The deadline stays: linger, which reads the rest of the body, sets its own.
		return err
	}
	// net/http watches the connection while the handler runs. A deadline that is left behind would
	// look like a sender that went away.
	_ = control.SetReadDeadline(time.Time{})
	return nil
}

// readAll reads a body of the declared length; -1 = unknown.
func (b *body) readAll(src io.Reader, declared int64, deadline time.Time) error {
	b.grow(declared)
	for {
		into := b.data[len(b.data):cap(b.data)]
		switch {
		case len(into) == 0:
			into = b.probe[:]
		case declared < 0:
			// Within a chunk, net/http reads until this is full. Bytes that arrive until then do
			// not count yet.
			into = into[:min(len(into), firstBuffer)]
		}
		n, err := src.Read(into)
		if n > 0 {
			if err := b.count(n); err != nil {
				return err
			}
			if len(b.data) == cap(b.data) {
				b.grow(declared)
				b.data = append(b.data, b.probe[0])
			} else {
				b.data = b.data[:len(b.data)+n]
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return b.failed(err)
		case time.Now().After(deadline):
			return b.late()
		}
	}
}

// count accounts for n bytes that arrived.
func (b *body) count(n int) error {
	if int64(len(b.data)+n) > b.owner.limit {
		return b.tooLarge()
	}
	if err := b.owner.memory.take(b.from, int64(n)); err != nil {
		m := &b.owner.memory
		return fmt.Errorf("%w, %d bytes, of which one address may have %d: %w",
			errBodyMemory, m.limit, m.share, err)
	}
	b.held += int64(n)
	return nil
}

func (b *body) tooLarge() error {
	return fmt.Errorf("%w, %d bytes", errBodyTooLarge, b.owner.limit)
}

func (b *body) late() error { return fmt.Errorf("%w, %v", errBodyTimeout, b.owner.timeout) }

// failed classifies an error of Read. A limit of the site (request_body) is treated like our own.
func (b *body) failed(err error) error {
	var tooLarge *http.MaxBytesError
	var late net.Error
	switch {
	case errors.As(err, &tooLarge):
		return fmt.Errorf("%w, or than the site's request_body allows, %d bytes",
			errBodyTooLarge, tooLarge.Limit)
	case errors.As(err, &late) && late.Timeout():
		return b.late()
	}
	return err
}

// grow makes the buffer twice as large, or makes the first one. It is called when the buffer is
// full and there is more.
func (b *body) grow(declared int64) {
	size := max(firstBuffer, 2*cap(b.data))
	if size <= pooledBuffer {
		pooled := b.owner.buffer(size)
		data := append(*pooled, b.data...)
		b.discard()
		b.data, b.pooled = data, pooled
		return
	}
	most := b.owner.limit
	if declared > int64(len(b.data)) {
		most = declared
	}
	data := append(make([]byte, 0, min(int64(size), most)), b.data...)
	b.discard()
	b.data = data
}

// buffer returns an empty buffer of a pooled size.
func (s *bodies) buffer(size int) *[]byte {
	if pooled, ok := s.pool(size).Get().(*[]byte); ok {
		return pooled
	}
	made := make([]byte, 0, size)
	return &made
}

func (s *bodies) pool(size int) *sync.Pool { return &s.buffers[bits.Len(uint(size/firstBuffer))-1] }

// release discards the body and gives back its memory. Calling it again does nothing.
func (b *body) release() {
	b.discard()
	if b.held > 0 {
		b.owner.memory.give(b.from, b.held)
	}
	b.held = 0
}

// discard returns the buffer to its pool; the body's bytes are gone. They count until release: the
// event that was made of them takes as much memory.
func (b *body) discard() {
	if b.pooled != nil {
		b.owner.pool(cap(*b.pooled)).Put(b.pooled)
	}
	b.data, b.pooled = nil, nil
}
