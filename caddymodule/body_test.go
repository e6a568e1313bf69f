package caddymodule

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/requestbody"
	"pgregory.net/rapid"
)

func request(body io.Reader, length int64) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.ContentLength = length
	return r
}

// readerOf returns a reader of bodies with these limits.
func readerOf(limit, memory int64) *bodies {
	return newBodies(&Limits{Body: limit, BodyMemory: memory, BodyTimeout: caddy.Duration(time.Minute)})
}

func TestReadBody(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 1024) // 16 KiB
	for _, c := range []struct {
		name   string
		limit  int64
		memory int64
		body   io.Reader
		length int64
		want   int // bytes
		err    error
	}{
		{"none", 16, 16, nil, 0, 0, nil},
		{"empty, chunked", 16, 16, strings.NewReader(""), -1, 0, nil},
		{"declared", 64 * kib, mib, strings.NewReader(text), int64(len(text)), len(text), nil},
		{"chunked", 64 * kib, mib, strings.NewReader(text), -1, len(text), nil},
		{"byte by byte", 64 * kib, mib, iotest.OneByteReader(strings.NewReader(text)), -1, len(text), nil},
		{"end with the data", 64 * kib, mib, iotest.DataErrReader(strings.NewReader(text)), -1, len(text), nil},
		{"exactly the limit, declared", int64(len(text)), int64(len(text)), strings.NewReader(text), int64(len(text)), len(text), nil},
		{"exactly the limit, chunked", int64(len(text)), int64(len(text)), strings.NewReader(text), -1, len(text), nil},
		{"over the limit, declared", 100, mib, strings.NewReader(text[:101]), 101, 0, errBodyTooLarge},
		{"over the limit, chunked", 100, mib, strings.NewReader(text[:101]), -1, 0, errBodyTooLarge},
		{"far over the limit, chunked", 5000, mib, strings.NewReader(text), -1, 0, errBodyTooLarge},
		{"over the memory, declared", 64 * kib, 100, strings.NewReader(text), int64(len(text)), 0, errBodyMemory},
		{"over the memory, chunked", 64 * kib, 8 * kib, strings.NewReader(text), -1, 0, errBodyMemory},
		{"a limit before ours", mib, mib, http.MaxBytesReader(nil, io.NopCloser(strings.NewReader(text)), 100), -1, 0, errBodyTooLarge},
		{"broken", mib, mib, iotest.ErrReader(io.ErrUnexpectedEOF), -1, 0, io.ErrUnexpectedEOF},
		{"broken, declared", mib, mib, iotest.TimeoutReader(strings.NewReader(text)), -1, 0, iotest.ErrTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := readerOf(c.limit, c.memory)
			for range 3 { // also with pooled buffers
				b := new(body)
				err := s.read(b, httptest.NewRecorder(), request(c.body, c.length), "192.0.2.1")
				if !errors.Is(err, c.err) || (err == nil) != b.whole {
					t.Fatalf("whole %t, error %v; want %v", b.whole, err, c.err)
				}
				if err == nil {
					if string(b.data) != text[:c.want] {
						t.Errorf("%d bytes, want %d of the text", len(b.data), c.want)
					}
					if used := s.memory.used.Load(); used != int64(len(b.data)) || used > s.memory.limit {
						t.Errorf("%d bytes accounted for a body of %d", used, len(b.data))
					}
					b.release()
					b.release()
				}
				if used := s.memory.used.Load(); used != 0 {
					t.Errorf("%d bytes still counted", used)
				}
				if seeker, ok := c.body.(io.Seeker); ok {
					if _, err := seeker.Seek(0, io.SeekStart); err != nil {
						t.Fatal(err)
					}
				} else {
					break
				}
			}
		})
	}
}

func TestReadBodyGivesAllBytesOrNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := readerOf(rapid.Int64Range(1, 200_000).Draw(t, "limit"), rapid.Int64Range(1, 400_000).Draw(t, "memory"))
		for range rapid.IntRange(1, 4).Draw(t, "requests") {
			sent := bytes.Repeat([]byte("x"), rapid.IntRange(0, 200_100).Draw(t, "size"))
			var src io.Reader = bytes.NewReader(sent)
			if rapid.Bool().Draw(t, "halves") {
				src = iotest.HalfReader(src)
			}
			length := int64(len(sent))
			if rapid.Bool().Draw(t, "chunked") {
				length = -1
			}
			b := new(body)
			err := s.read(b, httptest.NewRecorder(), request(src, length), "192.0.2.1")
			switch {
			case err == nil && !bytes.Equal(b.data, sent):
				t.Fatalf("%d of %d bytes", len(b.data), len(sent))
			case err == nil && int64(len(sent)) > s.limit:
				t.Fatalf("%d bytes over the limit of %d", len(sent), s.limit)
			case err != nil && int64(len(sent)) <= s.limit && errors.Is(err, errBodyTooLarge):
				t.Fatalf("%d bytes rejected with a limit of %d", len(sent), s.limit)
			case s.memory.used.Load() > s.memory.limit:
				t.Fatalf("%d bytes accounted of %d", s.memory.used.Load(), s.memory.limit)
			}
			b.release()
			if used := s.memory.used.Load(); used != 0 {
				t.Fatalf("%d bytes still counted", used)
			}
		}
	})
}

// TestReadBodyDeadline reads from senders that stop mid-body, over a real connection.
func TestReadBodyDeadline(t *testing.T) {
	s := &bodies{limit: mib, memory: shares{limit: mib, share: mib}, timeout: 50 * time.Millisecond}
	errs := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := new(body)
		err := s.read(b, w, r, "192.0.2.1")
		if err == nil {
			b.release()
		}
		errs <- err
		// Once a body has been read, the connection is idle for longer than the deadline. The
		// deadline must not apply any more.
		select {
		case <-r.Context().Done():
			errs <- r.Context().Err()
		case <-time.After(4 * s.timeout):
			errs <- nil
		}
	}))
	defer server.Close()
	for _, c := range []struct {
		name, head, body string
		late             bool
	}{
		{"declared", "Content-Length: 10", "12345", true},
		{"chunked", "Transfer-Encoding: chunked", "5\r\n12345\r\n", true},
		{"nothing", "Content-Length: 10", "", true},
		{"in time", "Content-Length: 5", "12345", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s", c.head, c.body)
			if err := <-errs; errors.Is(err, errBodyTimeout) != c.late || !c.late && err != nil {
				t.Errorf("reading: %v", err)
			}
			if err := <-errs; !c.late && err != nil {
				t.Errorf("the request was cancelled after its body was read: %v", err)
			}
			if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
				t.Errorf("reading the response: %v", err)
			}
		})
	}
}

// TestSiteBodyLimit reads through Caddy's request_body handler, whose limit is below ours.
func TestSiteBodyLimit(t *testing.T) {
	s := readerOf(mib, mib)
	site := requestbody.RequestBody{MaxSize: 10}
	r := request(strings.NewReader(strings.Repeat("x", 11)), -1)
	err := site.ServeHTTP(httptest.NewRecorder(), r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		err := s.read(new(body), w, r, "192.0.2.1")
		return err
	}))
	if !errors.Is(err, errBodyTooLarge) {
		t.Errorf("reading: %v", err)
	}
}
