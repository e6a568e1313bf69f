package response

import (
	"encoding/binary"
	"errors"

	"github.com/flowtrux/edge/runtime/flow"
)

// MaxStored is the size of the longest body that is stored for duplicates, in bytes.
const MaxStored = 1 << 20

const (
	storedFormat   = 1
	headerReplayed = "Idempotency-Replayed"
)

// errStored reports a stored response that cannot be decoded.
var errStored = errors.New("a stored response is damaged or of another version")

// Encode encodes the response of the execution id, to be stored for duplicates. A response whose
// body is longer than MaxStored is replaced by Accepted.
func Encode(p *flow.Plan, id string, a Response) []byte {
	if len(a.Body) > MaxStored {
		a = Accepted(p, id)
	}
	dst := append(make([]byte, 0, len(a.Body)+256), storedFormat)
	dst = binary.AppendUvarint(dst, uint64(a.Status))
	dst = appendText(dst, string(a.Code))
	dst = binary.AppendUvarint(dst, uint64(len(a.Header)))
	for _, f := range a.Header {
		dst = appendText(appendText(dst, f.Name), f.Value)
	}
	return append(dst, a.Body...)
}

// Decode decodes a stored response. It sets the header Idempotency-Replayed if the response belongs
// to an execution.
func Decode(stored []byte) (Response, error) {
	if len(stored) == 0 || stored[0] != storedFormat {
		return Response{}, errStored
	}
	r := storedReader{rest: stored[1:]}
	a := Response{Status: int(r.number()), Code: Code(r.text())}
	for n := r.number(); n > 0 && !r.bad; n-- {
		name := r.text()
		a.Header.Set(name, r.text())
	}
	if r.bad || a.Status < 200 || a.Status > 599 {
		return Response{}, errStored
	}
	if len(r.rest) > 0 {
		a.Body = r.rest
	}
	if a.Header.Get(headerID) != "" {
		a.Header.Set(headerReplayed, "true")
	}
	return a, nil
}

// StillRunning returns the response to a duplicate that has waited too long for the execution id.
func StillRunning(id string) Response { return replayed(Error(ExecutionTimeout, id)) }

// Unreadable returns the response to a duplicate of the execution id whose stored response can no
// longer be decoded.
func Unreadable(p *flow.Plan, id string) Response { return replayed(Accepted(p, id)) }

func replayed(a Response) Response {
	a.Header.Set(headerReplayed, "true")
	return a
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// storedReader reads the fields of a stored response.
type storedReader struct {
	rest []byte
	bad  bool
}

func (r *storedReader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.rest, r.bad = nil, true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *storedReader) text() string {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.rest, r.bad = nil, true
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}
