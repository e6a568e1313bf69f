package caddymodule

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Why a body was not read.
var (
	errBodyTooLarge = errors.New("the body is over the limit")
	errBodyTimeout  = errors.New("the body took too long")
	errBodyMemory   = errors.New("too many bytes of bodies at the same time")
)

const (
	firstRead  = 4 * kib  // what is made ready for a body of unknown length, in bytes
	keptBuffer = 64 * kib // larger buffers are not kept for the next request, in bytes
)

// bodies reads the bodies of requests within limits. It is safe for concurrent use.
type bodies struct {
	limit   int64 // of one body, in bytes
	timeout time.Duration
	memory  int64 // of all bodies together, in bytes

	used    atomic.Int64
	buffers sync.Pool // of *[]byte
}

// body is a request's body. Its bytes are the reader's own until release.
type body struct {
	owner  *bodies
	data   []byte // what was read
	room   []byte // the buffer
	pooled *[]byte
	held   int64 // what is accounted for, in bytes
}

// read reads the whole body, whether its length was declared or not. What it takes is accounted for before it is
// read. The error is one of the above or the connection's; the caller then has nothing to release.
func (s *bodies) read(w http.ResponseWriter, r *http.Request) (*body, error) {
	if r.ContentLength > s.limit {
		return nil, errBodyTooLarge
	}
	b := &body{owner: s}
	err := b.fill(w, r)
	if err != nil {
		b.release()
		return nil, err
	}
	return b, nil
}

func (b *body) fill(w http.ResponseWriter, r *http.Request) error {
	if r.Body == nil || r.ContentLength == 0 {
		return nil
	}
	size := r.ContentLength
	if size < 0 {
		size = min(firstRead, b.owner.limit)
	}
	if err := b.grow(size); err != nil {
		return err
	}

	// The deadline is the connection's own where there is one; otherwise the time is looked at between reads.
	deadline := time.Now().Add(b.owner.timeout)
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(deadline)
	if err := b.readAll(r.Body, deadline); err != nil {
		// A deadline that has passed stays: the rest of a late body is not worth waiting for.
		return err
	}
	// net/http watches the connection while the handler runs: a deadline left behind would look like a sender that
	// went away.
	_ = control.SetReadDeadline(time.Time{})
	return nil
}

func (b *body) readAll(src io.Reader, deadline time.Time) error {
	var probe [1]byte // tells a full buffer at the end of the body from one with more to come
	for {
		into := b.room[len(b.data):]
		if len(into) == 0 {
			into = probe[:]
		}
		n, err := src.Read(into)
		if n > 0 && &into[0] == &probe[0] {
			size := min(2*int64(len(b.room)), b.owner.limit)
			if size == int64(len(b.room)) {
				return errBodyTooLarge
			}
			if err := b.grow(size); err != nil {
				return err
			}
			b.room[len(b.data)] = probe[0]
		}
		b.data = b.room[:len(b.data)+n]
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return bodyError(err)
		case time.Now().After(deadline):
			return errBodyTimeout
		}
	}
}

// bodyError sorts what Read may say; a limit of the site (request_body) counts like our own.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	var late net.Error
	switch {
	case errors.As(err, &tooLarge):
		return errBodyTooLarge
	case errors.As(err, &late) && late.Timeout():
		return errBodyTimeout
	}
	return err
}

// grow makes room for size bytes in all, which is at least what there is.
func (b *body) grow(size int64) error {
	more := size - b.held
	if b.owner.used.Add(more) > b.owner.memory {
		b.owner.used.Add(-more)
		return errBodyMemory
	}
	b.held = size
	if b.room == nil {
		b.pooled, _ = b.owner.buffers.Get().(*[]byte)
		if b.pooled == nil {
			b.pooled = new([]byte)
		}
		b.room = (*b.pooled)[:0]
	}
	if int64(cap(b.room)) >= size {
		b.room = b.room[:size]
		return nil
	}
	larger := make([]byte, size)
	copy(larger, b.data)
	b.room, b.data = larger, larger[:len(b.data)]
	return nil
}

// release ends what the body takes. Calling it again does nothing.
func (b *body) release() {
	b.discard()
	b.owner.used.Add(-b.held)
	b.held = 0
}

// discard gives the buffer back; the body's bytes are gone. They stay accounted for until release: what was made of them
// takes as much.
func (b *body) discard() {
	if b.pooled != nil && cap(b.room) <= keptBuffer {
		*b.pooled = b.room[:0]
		b.owner.buffers.Put(b.pooled)
	}
	b.data, b.room, b.pooled = nil, nil, nil
}
