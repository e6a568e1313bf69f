package caddymodule

import (
	"io"
	"net"
	"net/http"
	"time"

	"github.com/flowtrux/edge/runtime/response"
)

// Limits of reading on after a body was rejected, so that its sender sees the response.
const (
	lingerBytes = 16 * mib
	lingerTime  = 5 * time.Second
	lingerConns = 256

	// serverReads is the size of bodies, in bytes, that net/http reads to the end by itself, to
	// reuse the connection (maxPostHandlerReadBytes in https://go.dev/src/net/http/server.go).
	serverReads = 256 * kib
)

// linger closes connections on which a body was rejected. Many senders on HTTP/1.1 do not look for
// a response before they have sent the whole body. If the server closes the connection with bytes
// unread, TCP resets it, and the sender loses the response. So the server's sending half is closed
// first, and what arrives is discarded until the sender has closed the connection as well (RFC
// 9112, section 9.6), within limits. It is safe for concurrent use.
type linger struct {
	conns shares        // connections
	bytes int64         // that are read on one
	time  time.Duration // for one
}

func newLinger() *linger {
	return &linger{
		conns: shares{limit: lingerConns, share: lingerConns / 4},
		bytes: lingerBytes,
		time:  lingerTime,
	}
}

// write sends the response to a request whose body was not read to its end.
func (l *linger) write(x *exchange, a response.Response) {
	small := 0 < x.r.ContentLength && x.r.ContentLength <= serverReads
	switch {
	case x.r.ProtoMajor != 1: // later protocols end only the stream
		x.write(a)
	case !x.body.begun() && small && x.r.Header.Get("Expect") == "":
		// net/http reads it before it sends the response. The deadline is for senders that stop in
		// the middle.
		_ = http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(l.time))
		x.write(a)
	default:
		x.w.Header().Set("Connection", "close")
		x.write(a)
		l.close(x.w, peerOf(x.client()))
	}
}

// close takes the connection of a request that has its response from the server, and ends it on a
// goroutine of its own. Where that is not possible, the server closes it at once.
func (l *linger) close(w http.ResponseWriter, p peer) {
	control := http.NewResponseController(w)
	if l.conns.take(p, 1) != nil {
		_ = control.SetReadDeadline(time.Now())
		return
	}
	conn := takeOver(w, control)
	if conn == nil {
		l.conns.give(p, 1)
		_ = control.SetReadDeadline(time.Now())
		return
	}
	go func() {
		defer l.conns.give(p, 1)
		defer conn.Close()
		late := time.AfterFunc(l.time, func() { conn.Close() })
		defer late.Stop()
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
		_, _ = io.CopyN(io.Discard, conn, l.bytes)
	}()
}

// takeOver sends the response that was written, which has a length, and takes the connection from
// the server. It returns nil if a handler in between still buffers some of the response (one that
// encodes removes the length), or if the connection cannot be taken. It bypasses the writers in
// between: they would count the bytes that are discarded.
func takeOver(w http.ResponseWriter, control *http.ResponseController) net.Conn {
	if w.Header().Get("Content-Length") == "" || control.Flush() != nil {
		return nil
	}
	for {
		if held, ok := w.(interface{ Buffered() bool }); ok && held.Buffered() {
			return nil
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = inner.Unwrap()
	}
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		return nil
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		return nil
	}
	return conn
}
