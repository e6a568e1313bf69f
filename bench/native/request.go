package native

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

const (
	maxBody      = 1 << 20  // bytes, the default of FlowTrux Edge
	pooledBuffer = 64 << 10 // bytes; larger buffers are not reused
)

var errTooLarge = errors.New("the body is over the limit")

// buffers holds the memory for one request.
type buffers struct {
	body   []byte
	value  []byte // output of the first step
	result []byte // output of the last step
	mac    hash.Hash
	sum    [sha256.Size]byte
	given  [sha256.Size]byte
}

type pool struct{ *sync.Pool }

func newPool(key []byte) pool {
	return pool{&sync.Pool{New: func() any { return &buffers{mac: hmac.New(sha256.New, key)} }}}
}

func (p pool) get() *buffers { return p.Get().(*buffers) }

func (p pool) put(b *buffers) {
	if cap(b.body) <= pooledBuffer {
		p.Put(b)
	}
}

// read reads the body, with or without a declared length.
func (b *buffers) read(_ http.ResponseWriter, r *http.Request) error {
	if r.ContentLength > maxBody {
		return errTooLarge
	}
	size := max(r.ContentLength, 0)
	if int64(cap(b.body)) < size {
		b.body = make([]byte, 0, size)
	}
	if r.ContentLength >= 0 {
		b.body = b.body[:size]
		_, err := io.ReadFull(r.Body, b.body)
		return err
	}
	all, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	b.body = all
	if err == nil && len(all) > maxBody {
		err = errTooLarge
	}
	return err
}

// signed reports whether there is exactly one signature and it matches the body.
func (b *buffers) signed(signatures []string) bool {
	if len(signatures) != 1 {
		return false
	}
	text := strings.TrimPrefix(signatures[0], "sha256=")
	if len(text) != hex.EncodedLen(sha256.Size) {
		return false
	}
	if _, err := hex.Decode(b.given[:], []byte(text)); err != nil {
		return false
	}
	b.mac.Reset()
	b.mac.Write(b.body)
	return hmac.Equal(b.given[:], b.mac.Sum(b.sum[:0]))
}

// isJSON reports whether the content type is JSON or missing.
func isJSON(types []string) bool {
	if len(types) == 0 || len(types) == 1 && types[0] == "application/json" {
		return true
	}
	typ, _, err := mime.ParseMediaType(types[0])
	return err == nil && len(types) == 1 && (typ == "application/json" || strings.HasSuffix(typ, "+json"))
}

// newID returns an execution id in the form of FlowTrux Edge.
func newID(now time.Time) string {
	return "exec-" + strings.ToLower(ulid.MustNew(ulid.Timestamp(now), rand.Reader).String())
}
