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
	maxBody    = 1 << 20  // bytes, as the edge's default
	keptBuffer = 64 << 10 // larger buffers are not kept for the next request, in bytes
)

var errTooLarge = errors.New("the body is over the limit")

// buffers are what one request needs.
type buffers struct {
	body   []byte
	value  []byte // what the steps make
	answer []byte
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
	if cap(b.body) <= keptBuffer {
		p.Put(b)
	}
}

// read reads the body, of declared length or not.
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

// signed tells whether the one signature is that of the body.
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

// isJSON tells whether the type that is given, if any, is JSON.
func isJSON(types []string) bool {
	if len(types) == 0 || len(types) == 1 && types[0] == "application/json" {
		return true
	}
	typ, _, err := mime.ParseMediaType(types[0])
	return err == nil && len(types) == 1 && (typ == "application/json" || strings.HasSuffix(typ, "+json"))
}

// newID makes an execution's id, as the edge does.
func newID(now time.Time) string {
	return "exec-" + strings.ToLower(ulid.MustNew(ulid.Timestamp(now), rand.Reader).String())
}
