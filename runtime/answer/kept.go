package answer

import (
	"encoding/binary"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/flowtrux/edge/runtime/flow"
)

// MaxKept is the longest body that is kept for duplicates, in bytes.
const MaxKept = 1 << 20

const (
	keptFormat     = 1
	headerReplayed = "Idempotency-Replayed"
)

// errKept means that what was kept cannot be read.
var errKept = errors.New("a kept answer is damaged or of another version")

// Keep is an answer as it is kept for duplicates of the execution id. One whose body has more than
// MaxKept bytes becomes what the mode minimal answers.
func Keep(p *flow.Plan, id string, a Answer) []byte {
	if len(a.Body) > MaxKept {
		a = Accepted(p, id)
	}
	dst := append(make([]byte, 0, len(a.Body)+256), keptFormat)
	dst = binary.AppendUvarint(dst, uint64(a.Status))
	dst = appendText(dst, string(a.Code))
	fields := 0
	for _, values := range a.Header {
		fields += len(values)
	}
	dst = binary.AppendUvarint(dst, uint64(fields))
	for _, name := range slices.Sorted(maps.Keys(a.Header)) {
		for _, value := range a.Header[name] {
			dst = appendText(appendText(dst, name), value)
		}
	}
	return append(dst, a.Body...)
}

// Replay is the answer that was kept, marked with Idempotency-Replayed if it belongs to an
// execution.
func Replay(kept []byte) (Answer, error) {
	if len(kept) == 0 || kept[0] != keptFormat {
		return Answer{}, errKept
	}
	r := keptReader{rest: kept[1:]}
	a := Answer{Status: int(r.number()), Code: Code(r.text()), Header: make(http.Header)}
	for n := r.number(); n > 0 && !r.bad; n-- {
		name := r.text()
		a.Header[name] = append(a.Header[name], r.text())
	}
	if r.bad || a.Status < 200 || a.Status > 599 {
		return Answer{}, errKept
	}
	if len(r.rest) > 0 {
		a.Body = r.rest
	}
	if a.Header[headerID] != nil {
		a.Header.Set(headerReplayed, "true")
	}
	return a, nil
}

// StillRuns is the answer of a duplicate that has waited too long for the execution id.
func StillRuns(id string) Answer { return replayed(Error(ExecutionTimeout, id)) }

// Repeated is the answer of a duplicate of the execution id whose own answer cannot be read any
// more.
func Repeated(p *flow.Plan, id string) Answer { return replayed(Accepted(p, id)) }

func replayed(a Answer) Answer {
	a.Header.Set(headerReplayed, "true")
	return a
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// keptReader takes a kept answer apart.
type keptReader struct {
	rest []byte
	bad  bool
}

func (r *keptReader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.rest, r.bad = nil, true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *keptReader) text() string {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.rest, r.bad = nil, true
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}
