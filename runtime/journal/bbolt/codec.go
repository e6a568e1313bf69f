package bbolt

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/internal/recordjson"
	"github.com/flowtrux/edge/runtime/journal/internal/tracebytes"
)

// errDamaged means that a value is cut short, or missing.
var errDamaged = fmt.Errorf("%w: a value in it is damaged", journal.ErrForeign)

func appendText[T string | []byte](dst []byte, s T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// appendTime appends nanoseconds since 1970; 0 stands for the zero time.
func appendTime(dst []byte, t time.Time) []byte {
	var n int64
	if !t.IsZero() {
		n = t.UnixNano()
	}
	return binary.AppendVarint(dst, n)
}

// reader decodes values. The slices it returns are parts of the value, which in a transaction must
// be copied: see text.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) bytes() []byte {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || uint64(len(r.rest)-size) < n {
		r.rest, r.err = nil, errDamaged
		return nil
	}
	b := r.rest[size : size+int(n) : size+int(n)]
	r.rest = r.rest[size+int(n):]
	return b
}

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) number() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.rest, r.err = nil, errDamaged
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// count reads a number of bytes.
func (r *reader) count() int {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > math.MaxInt32 {
		r.rest, r.err = nil, errDamaged
		return 0
	}
	r.rest = r.rest[size:]
	return int(n)
}

func (r *reader) time() time.Time {
	n := r.number()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// encodeSource encodes what an entry is run from, with the digest of its document in place of the
// document. Nothing runs from an entry's Source. The place in a trace is there only if there is
// one: sources of an earlier version have none. The digest is last, where it is found without the
// rest.
func encodeSource(e *journal.Entry, document [32]byte) []byte {
	const lengthsAndTimes = 10 * binary.MaxVarintLen64
	b := make([]byte, 0, len(e.Workflow)+len(e.ReplayOf)+len(e.Data)+len(e.Query)+len(e.Headers)+
		len(e.Method)+len(e.ClientIP)+len(document)+lengthsAndTimes+tracebytes.MinSize+len(e.Trace.State))
	b = appendText(b, e.Workflow)
	b = binary.AppendVarint(b, e.Revision)
	b = appendTime(b, e.AcceptedAt)
	b = appendText(b, e.ReplayOf)
	b = appendText(b, e.Data)
	b = appendText(b, e.Query)
	b = appendText(b, e.Headers)
	b = appendText(b, e.Method)
	b = appendText(b, e.ClientIP)
	b = appendTime(b, e.ReceivedAt)
	b = tracebytes.Append(b, &e.Trace)
	return append(b, document[:]...)
}

// readSource is the reverse of encodeSource. The entry is a copy.
func readSource(id string, b []byte) (e *journal.Entry, document []byte, err error) {
	r := reader{rest: append([]byte(nil), b...)}
	e = &journal.Entry{ID: id, Workflow: r.text(), Revision: r.number(), AcceptedAt: r.time(), ReplayOf: r.text()}
	e.Data, e.Query, e.Headers = r.bytes(), r.bytes(), r.bytes()
	e.Method, e.ClientIP, e.ReceivedAt = r.text(), r.text(), r.time()
	if r.err != nil || len(r.rest) < sha256.Size {
		return e, nil, errDamaged
	}
	end := len(r.rest) - sha256.Size
	if e.Trace, err = tracebytes.Read(r.rest[:end]); err != nil {
		return e, nil, errDamaged
	}
	return e, r.rest[end:], nil
}

// checkSource reports whether b is a value of encodeSource, without copying it.
func checkSource(b []byte) error {
	r := reader{rest: b}
	r.bytes()
	r.number()
	r.number()
	for range 6 {
		r.bytes()
	}
	r.number()
	if r.err != nil || len(r.rest) < sha256.Size || tracebytes.Check(r.rest[:len(r.rest)-sha256.Size]) != nil {
		return errDamaged
	}
	return nil
}

// appendLive appends the row of an entry that has not ended. The source is last, and only if there
// is one: rows of an earlier version have none, and that version ignores it.
func appendLive(dst []byte, e *journal.Entry) []byte {
	dst = appendText(dst, e.Workflow)
	dst = binary.AppendVarint(dst, e.Revision)
	dst = appendTime(dst, e.AcceptedAt)
	dst = appendText(dst, e.ReplayOf)
	if e.Source != "" {
		dst = appendText(dst, e.Source)
	}
	return dst
}

func readLive(id string, b []byte) (journal.Summary, error) {
	r := reader{rest: b}
	s := journal.Summary{ID: id, Workflow: r.text(), Revision: r.number(), AcceptedAt: r.time(), ReplayOf: r.text()}
	if len(r.rest) > 0 {
		s.Source = r.text()
	}
	return s, r.err
}

// details are the parts of a record that are not in its summary. They are stored apart from it, so
// that a list need not read them.
type details struct {
	Trigger *journal.Trigger     `json:"trigger,omitempty"`
	Nodes   []journal.NodeRecord `json:"nodes,omitempty"`
	Cut     bool                 `json:"cut,omitempty"`
}

// encodeRecord encodes a record: workflow and status, to filter by, then the summary and the
// details as JSON.
func encodeRecord(r *journal.Record) (b []byte, err error) {
	err = recordjson.Encode(r, func(summary, details []byte) {
		b = make([]byte, 0, len(r.Workflow)+len(r.Status)+len(summary)+len(details)+3*binary.MaxVarintLen64)
		b = appendText(b, r.Workflow)
		b = appendText(b, r.Status)
		b = appendText(b, summary)
		b = append(b, details...)
	})
	return b, err
}

func decodeSummary(b []byte) (s journal.Summary, err error) {
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("decoding a record: %w", err)
	}
	return s, nil
}

func decodeRecord(b []byte) (*journal.Record, error) {
	r := reader{rest: b}
	r.bytes()
	r.bytes()
	s, err := decodeSummary(r.bytes())
	if err != nil {
		return nil, err
	}
	var d details
	if err := json.Unmarshal(r.rest, &d); err != nil {
		return nil, fmt.Errorf("decoding a record: %w", err)
	}
	return &journal.Record{Summary: s, Trigger: d.Trigger, Nodes: d.Nodes, Cut: d.Cut}, nil
}

// run is what is stored of an entry's runs.
type run struct {
	deaths    byte
	running   bool
	cancelled bool
	began     int64 // when the first run began, in nanoseconds since 1970; 0 = none has
}

const (
	flagRunning   = 1
	flagCancelled = 2
)

func (r run) bytes() []byte {
	var flags byte
	if r.running {
		flags |= flagRunning
	}
	if r.cancelled {
		flags |= flagCancelled
	}
	b := []byte{r.deaths, flags}
	if r.began != 0 {
		b = binary.AppendVarint(b, r.began)
	}
	return b
}

func readRun(b []byte) run {
	if len(b) < 2 {
		return run{}
	}
	began, _ := binary.Varint(b[2:])
	return run{deaths: b[0], running: b[1]&flagRunning != 0, cancelled: b[1]&flagCancelled != 0, began: began}
}
